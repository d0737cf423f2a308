import { join } from 'node:path';
import { testChannel } from '../src/conformance.ts';
import { createMemoryPair } from '../src/index.ts';
import { makeCertificates, socketFactory, temporaryDirectory } from './channels.ts';

const dir = temporaryDirectory();
const { ca, server, client } = makeCertificates(dir);

testChannel({
  name: 'memory',
  async open(options, use) {
    use(createMemoryPair(options));
  },
});

testChannel({
  name: 'memory, cut into other chunks',
  async open(options, use) {
    const split = (bytes: Uint8Array) => [bytes.slice(0, 1), bytes.slice(1, 6), bytes.slice(6)];
    use(createMemoryPair({ ...options, split }));
  },
});

testChannel(socketFactory('unix', `unix:${join(dir, 'x.sock')}`));
testChannel(socketFactory('tcp', 'tcp:127.0.0.1:0'));
testChannel(
  socketFactory('tls, both with certificates', 'tls:127.0.0.1:0', {
    server: { ...server, ca, requireClientCertificate: true },
    client: { ...client, ca },
  }),
);
