import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@offhook/test-sipp';

/** Of the server's certificate, as remote-viewer wants it written. */
export const SUBJECT = 'O=Offhook test,CN=the host';

/** A directory as QEMU's `x509-dir` wants it: a CA, and a server's certificate for `SUBJECT`. */
export async function makeCertificates(parent: string, name = 'x509'): Promise<string> {
  const directory = join(parent, name);
  await mkdir(directory);
  const openssl = (args: string) =>
    run('openssl', args.trim().split(/\s+/), { within: 20_000, cwd: directory });
  const key = '-newkey rsa:2048 -nodes';
  await openssl(`req -x509 ${key} -days 2 -subj /CN=${name} -keyout ca-key.pem -out ca-cert.pem`);
  await run(
    'openssl',
    [
      ...`req ${key} -keyout server-key.pem -out server.csr -subj`.split(' '),
      '/O=Offhook test/CN=the host',
    ],
    { within: 20_000, cwd: directory },
  );
  await openssl(`
    x509 -req -in server.csr -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial -days 2
    -out server-cert.pem`);
  return directory;
}
