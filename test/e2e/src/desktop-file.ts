import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SUBJECT } from './certificates.ts';
import { TICKET } from './stage.ts';

/** A `.vv` file for the TLS port, as a portal would hand it out. */
export async function writeDesktopFile(
  directory: string,
  tlsPort: number,
  subject = SUBJECT,
): Promise<string> {
  const ca = await readFile(join(directory, 'x509/ca-cert.pem'), 'utf8');
  const path = join(directory, 'desktop.vv');
  const lines = [
    '[virt-viewer]',
    'type=spice',
    'host=127.0.0.1',
    `tls-port=${tlsPort}`,
    `password=${TICKET}`,
    `ca=${ca.replaceAll('\n', '\\n')}`,
    `host-subject=${subject}`,
    'secure-channels=main',
    'delete-this-file=1',
  ];
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}
