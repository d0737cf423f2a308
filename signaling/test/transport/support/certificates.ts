import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** PEM of the authority itself. */
  readonly ca: string;
  /** A certificate of it with these alternative names (`DNS:…`, `URI:sip:…`, `IP:…`). */
  issue(names: readonly string[], commonName?: string): Certificate;
  dispose(): void;
}

/** A certificate authority of its own, made with the openssl program. */
export function certificateAuthority(): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-ca-'));
  const run = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  };
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=test',
    '-days',
    '2',
  );
  let serial = 0;
  return {
    ca: read('ca.pem'),
    issue(names, commonName = 'unused') {
      const name = `leaf${++serial}`;
      run(
        'req',
        ...key,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${commonName}`,
      );
      const extensions =
        names.length === 0 ? 'basicConstraints=CA:FALSE' : `subjectAltName=${names.join(',')}`;
      writeFileSync(join(dir, `${name}.ext`), extensions);
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-set_serial',
        String(serial),
        '-days',
        '2',
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`,
      );
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}
