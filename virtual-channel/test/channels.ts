import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ChannelFactory } from '../src/conformance.ts';
import { connectChannel, listenChannel, type Channel, type TlsOptions } from '../src/index.ts';

/** A directory that goes with the test file. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-channel-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens pairs through a listener at `address`. */
export function socketFactory(
  name: string,
  address: string,
  tls: { server?: TlsOptions; client?: TlsOptions } = {},
): ChannelFactory {
  return {
    name,
    async open({ clock, maxBuffered }, use) {
      const accepted = Promise.withResolvers<Channel>();
      const serverTls = tls.server === undefined ? {} : { tls: tls.server };
      const clientTls = tls.client === undefined ? {} : { tls: tls.client };
      const listener = await listenChannel(
        address,
        { clock, maxBuffered, ...serverTls },
        accepted.resolve,
      );
      const [left, right] = await Promise.all([
        connectChannel(listener.address, { clock, maxBuffered, ...clientTls }),
        accepted.promise,
      ]);
      await listener.close();
      use({ left, right });
    },
  };
}

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** A test CA with certificates for a server (localhost, 127.0.0.1) and a client. */
export interface TestCertificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
  /** Signed by nobody else. */
  readonly stranger: KeyPair;
}

export function makeCertificates(dir: string): TestCertificates {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  const fresh = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const make = (name: string, subject: string, ...extra: string[]): KeyPair => {
    run(
      'req',
      '-x509',
      ...fresh,
      '-subj',
      subject,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      ...extra,
    );
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  const { cert: ca } = make('ca', '/CN=Test CA');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext'];
  return {
    ca,
    server: make('server', '/CN=engine', ...signed, 'subjectAltName=DNS:localhost,IP:127.0.0.1'),
    client: make('client', '/CN=guest/O=Example', ...signed, 'basicConstraints=CA:FALSE'),
    stranger: make(
      'stranger',
      '/CN=stranger',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ),
  };
}
