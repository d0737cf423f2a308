import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './process.ts';

export interface Authority {
  /** PEM file to trust. */
  readonly certificate: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority for the length of a run. */
export async function createAuthority(directory: string): Promise<Authority> {
  const certificate = join(directory, 'ca.crt');
  const key = join(directory, 'ca.key');
  await openssl(
    ['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', '/CN=test authority'],
    ['-keyout', key, '-out', certificate, '-addext', 'basicConstraints=critical,CA:TRUE'],
  );
  return { certificate, key };
}

/** A server's certificate for these names and addresses, as `name.crt` and `name.key`. */
export async function createCertificate(
  authority: Authority,
  options: { directory: string; name: string; hosts: readonly string[] },
): Promise<{ certificate: string; key: string }> {
  const file = (kind: string) => join(options.directory, `${options.name}.${kind}`);
  const names = options.hosts.map((host) =>
    /^[\d.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`,
  );
  await writeFile(file('ext'), `subjectAltName=${names.join(',')}\n`);
  await openssl(
    ['req', ...NEW_KEY, '-subj', `/CN=${options.hosts[0] ?? ''}`],
    ['-keyout', file('key'), '-out', file('csr')],
  );
  await openssl(
    ['x509', '-req', '-in', file('csr'), '-CA', authority.certificate, '-CAkey', authority.key],
    ['-CAcreateserial', '-days', '2', '-extfile', file('ext'), '-out', file('crt')],
  );
  return { certificate: file('crt'), key: file('key') };
}

function openssl(...args: readonly (readonly string[])[]): Promise<string> {
  return run('openssl', args.flat(), { within: 20_000 });
}
