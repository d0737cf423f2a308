import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SUBJECT } from './certificates.ts';
import { TICKET } from './stage.ts';

export interface DesktopFileOptions {
  readonly port?: number;
  readonly tlsPort?: number;
  readonly ticket?: string;
  readonly subject?: string;
  /** Directories with the authorities to trust, as `makeCertificates` gives them. */
  readonly authorities?: readonly string[];
  /** Of the viewer's window. */
  readonly title?: string;
}

/** A `.vv` file, as a portal would hand it out, at that path. */
export async function writeDesktopFile(path: string, options: DesktopFileOptions): Promise<string> {
  const { port, tlsPort, ticket = TICKET, subject = SUBJECT, authorities = [], title } = options;
  const ca = await Promise.all(
    authorities.map((directory) => readFile(join(directory, 'ca-cert.pem'), 'utf8')),
  );
  const lines = [
    '[virt-viewer]',
    'type=spice',
    'host=127.0.0.1',
    ...(port === undefined ? [] : [`port=${port}`]),
    ...(tlsPort === undefined
      ? []
      : [
          `tls-port=${tlsPort}`,
          `ca=${ca.join('').replaceAll('\n', '\\n')}`,
          `host-subject=${subject}`,
          'secure-channels=main',
        ]),
    `password=${ticket}`,
    ...(title === undefined ? [] : [`title=${title}`]),
    'delete-this-file=1',
  ];
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}
