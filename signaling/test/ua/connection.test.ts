import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { UserAgent } from '../../src/api.ts';
import { createUserAgent } from '../../src/index.ts';
import { ScriptedAgent } from './support/bench.ts';
import { Got } from './support/raw-peer.ts';
import { freePort } from './support/sipp.ts';

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

async function userAgent(): Promise<UserAgent> {
  const ua = await createUserAgent({
    listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
  });
  cleanUp.push(() => ua.close());
  return ua;
}

/** A registrar over TCP that says yes to everything and shows its connections. */
async function registrar(): Promise<{
  readonly port: number;
  readonly next: () => Promise<{ request: Got; socket: Socket }>;
}> {
  const seen: { request: Got; socket: Socket }[] = [];
  let wake: () => void = () => undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const text = data.toString();
      if (!text.startsWith('REGISTER')) return;
      const request = new Got(text, { address: '127.0.0.1', port: 0 });
      const kept = ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact'];
      const lines = kept.flatMap((name) =>
        request.headers(name).map((value) => `${name}: ${value}`),
      );
      socket.write(['SIP/2.0 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n'));
      seen.push({ request, socket });
      wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    next: async () => {
      for (;;) {
        const first = seen.shift();
        if (first !== undefined) return first;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** A phone that has registered over TCP, and what its registrar has seen of it. */
async function registered() {
  const { port, next } = await registrar();
  const ua = await userAgent();
  const account = ua.addAccount({
    aor: 'sip:alice@127.0.0.1',
    registrars: [`sip:127.0.0.1:${port};transport=tcp`],
    register: true,
  });
  const first = await next();
  await new Promise<void>((resolve) => {
    account.on('registration', ({ state }) => {
      if (state === 'registered') resolve();
    });
  });
  return { ua, first, next };
}

describe('over real sockets', () => {
  it('an account registers again at once when its connection is lost (RFC 5626)', async () => {
    const { first, next } = await registered();
    first.socket.destroy();
    const second = await next();
    expect(second.socket).not.toBe(first.socket);
    expect(second.request.cseq).toBe(first.request.cseq + 1);
  });

  it('an account leaves a connection from an address that the machine has lost', async () => {
    const { ua, first, next } = await registered();
    ua.refresh({ addresses: new Set(['127.0.0.1']) });
    expect((await next()).socket).toBe(first.socket);
    ua.refresh({ addresses: new Set(['198.51.100.7']) });
    expect((await next()).socket).not.toBe(first.socket);
  });

  it('a call to where nobody listens ends at once and says so', async () => {
    const ua = await userAgent();
    const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    const port = await freePort('127.0.0.1');
    for (const transport of ['udp', 'tcp']) {
      const call = account.invite(
        `sip:x@127.0.0.1:${port};transport=${transport}`,
        new ScriptedAgent(),
      );
      const end = await new Promise((resolve) => call.on('ended', resolve));
      expect(end).toEqual({
        by: 'network',
        status: 503,
        reason: expect.stringContaining(`127.0.0.1 port ${port}`),
      });
    }
  });
});
