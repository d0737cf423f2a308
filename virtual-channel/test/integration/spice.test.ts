import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemClock, type OffhookError } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/channel.ts';
import {
  listenSpicePort,
  type SpiceLinkState,
  type SpicePortListener,
  type SpiceSource,
} from '../../src/spice/index.ts';
import { startQemu, type QemuOptions } from './qemu.ts';
import { makeX509Directory, queue, talkToMonitor } from './support.ts';

const PORT = 'org.offhook.engine.0';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function qemu(options: Partial<QemuOptions> = {}) {
  const machine = await startQemu({ ports: ['org.example.other', PORT], ...options });
  cleanups.push(() => machine.stop());
  return machine;
}

function listen(source: Partial<SpiceSource>) {
  const channels = queue<Channel>();
  const states = queue<SpiceLinkState>();
  const listener: SpicePortListener = listenSpicePort({
    source: { host: '127.0.0.1', password: '', secureChannels: [], ...source },
    portName: PORT,
    clock: systemClock,
    timeoutMs: 1000,
    onChannel: (channel) => channels.push(channel),
    onState: (state) => states.push(state),
  });
  cleanups.push(() => listener.close());
  const until = async <S extends SpiceLinkState['state']>(state: S) => {
    for (;;) {
      const next = await states.next(`the link to be ${state}`);
      if (next.state === state) return next as Extract<SpiceLinkState, { state: S }>;
    }
  };
  return { listener, channels, states, until };
}

describe('a headless SPICE client at a port of a real QEMU', () => {
  it('finds the port by name and carries bytes both ways', async () => {
    const { port } = await qemu();
    const { channels } = listen({ port });
    const channel = await channels.next('the port to open');
    expect(await talkToMonitor(channel)).toContain('"return"');
    expect(channel.peer.transport).toBe('spice');
  });

  it('gets in with the ticket and is told when the ticket is wrong', async () => {
    const { port } = await qemu({ password: 'sesame' });
    const wrong = listen({ port, password: 'tell' });
    const refused = await wrong.until('refused');
    expect(refused.error.code).toBe('spice-permission-denied');
    wrong.listener.useSource({ host: '127.0.0.1', port, password: 'sesame', secureChannels: [] });
    await wrong.until('linked');
  });

  it('says that a server wants SASL, and what to do', async () => {
    const { port } = await qemu({ args: ['-spice', 'sasl=on'] });
    const { error } = await listen({ port }).until('waiting');
    expect(error.code).toBe('spice-sasl-only');
    expect(error.remedy).toContain('spice_sasl');
  });

  it('says which ports there are when ours is missing', async () => {
    const { port } = await qemu({ ports: ['org.example.other'] });
    const { until } = listen({ port });
    const { error } = await until('waiting');
    expect(error.code).toBe('spice-no-port');
    expect(error.message).toContain('org.example.other');
  });

  it('comes back by itself when the server does', async () => {
    const first = await qemu();
    const { until, listener } = listen({ port: first.port });
    await until('linked');
    await first.stop();
    expect((await until('waiting')).error.layer).toBe('channel');
    const second = await qemu();
    listener.useSource({ host: '127.0.0.1', port: second.port, password: '', secureChannels: [] });
    await until('linked');
  });

  it('uses TLS where the server asks for it, with the CA and host subject of the desktop file', async () => {
    const { dir, remove } = makeX509Directory();
    cleanups.push(remove);
    const { port, tlsPort } = await qemu({ tls: { dir, only: true } });
    const ca = readFileSync(join(dir, 'ca-cert.pem'), 'utf8');

    const plain = listen({ port });
    expect((await plain.until('waiting')).error.code).toBe('spice-need-secured');

    const otherSubject = listen({ tlsPort, ca, hostSubject: 'O=Offhook test,CN=another host' });
    expect((await otherSubject.until('waiting')).error.code).toBe('certificate-refused');

    const right = listen({ tlsPort, ca, hostSubject: 'O=Offhook test, CN=the host' });
    await right.until('linked');
  });
});

describe('a headless SPICE client at a server that misbehaves', () => {
  const answers: readonly [what: string, bytes: Uint8Array, code: string][] = [
    [
      'speaks another protocol',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'spice-invalid-reply',
    ],
    ['announces an endless reply', header(0xffffffff), 'spice-invalid-reply'],
    ['sends a truncated reply', Buffer.concat([header(8), Buffer.alloc(8)]), 'spice-invalid-reply'],
    [
      'points to capabilities outside its reply',
      Buffer.concat([
        header(178),
        Buffer.alloc(166),
        Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0]),
      ]),
      'spice-invalid-reply',
    ],
    ['says nothing', Buffer.alloc(0), 'timeout'],
  ];

  it.each(answers)('names the fault when it %s', async (_what, bytes, code) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (bytes.length > 0) socket.write(bytes);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    cleanups.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { until } = listen({ port });
    const error: OffhookError = (await until('waiting')).error;
    expect(error.code).toBe(code);
  });
});

function header(length: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write('REDQ', 'latin1');
  bytes.writeUInt32LE(2, 4);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(length, 12);
  return bytes;
}
