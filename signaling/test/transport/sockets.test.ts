import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Core } from 'sip.js';
import { afterEach, describe, expect, test } from 'vitest';
import type { ListenAddress, TransportName } from '../../src/api.ts';
import type { TransportLayerOptions } from '../../src/transport/layer.ts';
import { createTransportLayer } from '../../src/transport/transport-layer.ts';
import {
  OFFER,
  coreAgent,
  requestTo,
  uriOf,
  type CoreAgent,
  type CoreAgentOptions,
} from './support/core-agent.ts';
import { until } from './support/events.ts';
import { request } from './support/messages.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function agent(
  user: string,
  listen: readonly ListenAddress[],
  options: { layer?: Partial<TransportLayerOptions>; delegate?: CoreAgentOptions['delegate'] } = {},
): Promise<CoreAgent> {
  const made = await coreAgent({
    user,
    layer: { listen, ...options.layer },
    ...(options.delegate === undefined ? {} : { delegate: options.delegate }),
  });
  closers.push(() => made.close());
  return made;
}

function at(transport: TransportName, address = '127.0.0.1'): ListenAddress {
  return { transport, address, port: 0 };
}

/** OPTIONS from one agent to a URI of another; the status. */
function ping(from: CoreAgent, to: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const done = ({ message }: Core.IncomingResponse): void => resolve(message.statusCode);
    const request = requestTo(from, 'OPTIONS', uriOf(to));
    from.core.request(request, { onAccept: done, onReject: done });
  });
}

async function tcpClient(
  port: number,
): Promise<{ socket: Socket; text: () => string; ended: () => boolean }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let ended = false;
  socket.on('data', (data) => {
    text += data.toString('utf8');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended = true;
  });
  closers.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, text: () => text, ended: () => ended };
}

/** A server that does nothing but accept. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('listening points', () => {
  test('UDP and TCP, IPv4 and IPv6, all at once with their real ports', async () => {
    const bob = await agent('bob', [at('udp'), at('tcp'), at('udp', '::1'), at('tcp', '::1')]);
    expect(bob.layer.listening.map(({ transport, address }) => `${transport} ${address}`)).toEqual([
      'udp 127.0.0.1',
      'tcp 127.0.0.1',
      'udp ::1',
      'tcp ::1',
    ]);
    expect(bob.layer.listening.every(({ port }) => port > 0)).toBe(true);
    const alice = await agent('alice', [at('udp'), at('udp', '::1')]);
    for (const { transport, address, port } of bob.layer.listening) {
      const host = address.includes(':') ? `[${address}]` : address;
      expect(await ping(alice, `sip:bob@${host}:${port};transport=${transport}`)).toBe(200);
    }
  });

  test('a port that is taken is said so, and nothing stays bound', async () => {
    const first = await agent('bob', [at('udp')]);
    const taken = first.layer.listening[0];
    if (taken === undefined) throw new Error('nothing bound');
    const failing = createTransportLayer({ listen: [at('tcp'), taken] });
    await expect(failing).rejects.toMatchObject({
      layer: 'signaling',
      code: 'address-in-use',
      message: expect.stringContaining(`udp at 127.0.0.1 port ${taken.port}`),
    });
  });

  test('an address of another machine is said so', async () => {
    const listen = [{ transport: 'tcp', address: '192.0.2.1', port: 0 }] as const;
    await expect(createTransportLayer({ listen })).rejects.toMatchObject({
      code: 'no-such-address',
    });
  });

  test('bound to all addresses, the Via names the one that is used', async () => {
    const bob = await agent('bob', [at('udp')]);
    const alice = await agent('alice', [at('udp', '0.0.0.0')]);
    expect(await ping(alice, bob.uri().toString())).toBe(200);
    const [event] = bob.requests;
    expect(event?.head.fields.find(({ name }) => name === 'via')?.value).toContain(
      `UDP 127.0.0.1:${alice.layer.listening[0]?.port};`,
    );
    expect(alice.responses[0]?.flow?.local.address).toBe('127.0.0.1');
  });
});

describe('UDP', () => {
  test.each(['127.0.0.1', '::1'])(
    'a port of %s that the network refuses is a 503 at once',
    async (host) => {
      const gone = await agent('gone', [at('udp', host)]);
      const uri = gone.uri().toString();
      await gone.close();
      const alice = await agent('alice', [at('udp', host)]);
      const started = performance.now();
      expect(await ping(alice, uri)).toBe(503);
      expect(performance.now() - started).toBeLessThan(4000);
    },
  );
});

describe('TCP', () => {
  test('carries a call, all of it over one connection', async () => {
    const bob = await agent('bob', [at('tcp')], {
      delegate: {
        onInvite: (invite) => {
          const { session } = invite.accept({ statusCode: 200, body: OFFER });
          session.delegate = { onBye: (bye) => void bye.accept() };
        },
      },
    });
    const alice = await agent('alice', [at('tcp')]);
    let connections = 0;
    bob.layer.on('flowUp', () => connections++);
    const message = requestTo(alice, 'INVITE', bob.uri(), {
      headers: [`Contact: <${alice.uri().toString()}>`],
      body: OFFER,
    });
    const ended = new Promise((resolve) => {
      alice.core.invite(message, {
        onAccept: (accepted) => {
          accepted.ack();
          accepted.session.bye({ onAccept: resolve });
        },
      });
    });
    await ended;
    expect(bob.requests.map(({ message }) => message.method)).toEqual(['INVITE', 'ACK', 'BYE']);
    expect(connections).toBe(1);
  });

  test('sends a request of more than 1300 bytes by TCP though UDP was meant', async () => {
    const probe = await agent('probe', [at('udp')]);
    const port = probe.layer.listening[0]?.port ?? 0;
    await probe.close();
    const bob = await agent('bob', [
      { transport: 'udp', address: '127.0.0.1', port },
      { transport: 'tcp', address: '127.0.0.1', port },
    ]);
    const alice = await agent('alice', [at('udp')]);
    const target = uriOf(`sip:bob@127.0.0.1:${port};transport=udp`);
    const large = { contentDisposition: '', contentType: 'text/plain', content: 'x'.repeat(2000) };
    const accepted = new Promise((resolve) => {
      alice.core.request(requestTo(alice, 'MESSAGE', target, { body: large }), {
        onAccept: resolve,
      });
    });
    await accepted;
    expect(bob.requests[0]?.flow.transport).toBe('tcp');
    expect(bob.requests[0]?.head.fields.find(({ name }) => name === 'via')?.value).toContain(
      '/TCP ',
    );
    expect(bob.requests[0]?.message.body).toHaveLength(2000);
  });

  test('answers a ping with a pong, and a request over the connection that it came on', async () => {
    const bob = await agent('bob', [at('tcp')]);
    const { socket, text } = await tcpClient(bob.layer.listening[0]?.port ?? 0);
    socket.write('\r\n\r\n');
    await until(() => text() === '\r\n', 'the pong');
    socket.write(request({ sentBy: 'TCP 192.0.2.1:5060' }));
    await until(() => text().includes('SIP/2.0 200 OK'), 'the answer');
    expect(text()).toMatch(/;rport=\d+;received=127\.0\.0\.1/);
  });

  test('opens a connection to the sent-by address when that of the request has gone', async () => {
    const alice = await agent('alice', [at('tcp')]);
    const bob = await agent('bob', [at('tcp')], {
      delegate: {
        onMessage: (message) => {
          const stop = bob.layer.on('flowLost', () => {
            stop();
            void message.accept();
          });
          socket.destroy();
        },
      },
    });
    const port = bob.layer.listening[0]?.port ?? 0;
    const { socket } = await tcpClient(port);
    let answer: string | undefined;
    const server = await tcpServer((incoming) => {
      incoming.on('data', (data) => {
        answer = data.toString('utf8');
      });
      closers.push(() => incoming.destroy());
    });
    socket.write(request({ method: 'MESSAGE', sentBy: `TCP 127.0.0.1:${server}`, body: 'hi' }));
    await until(() => answer !== undefined, 'the answer');
    expect(answer).toMatch(/^SIP\/2.0 200 OK/);
    expect(alice.requests).toHaveLength(0);
  });

  test('what cannot be followed is answered 400, and its connection closed', async () => {
    const bob = await agent('bob', [at('tcp')]);
    const port = bob.layer.listening[0]?.port ?? 0;
    const { socket, text, ended } = await tcpClient(port);
    socket.write(request().replace(/Content-Length.*\r\n/, ''));
    await until(ended, 'the end of the connection');
    expect(text()).toContain('SIP/2.0 400 Missing Content-Length');
    expect(await ping(await agent('alice', [at('tcp')]), bob.uri().toString())).toBe(200);
  });

  test('a connection too many is closed at once', async () => {
    const bob = await agent('bob', [at('tcp')], { layer: { limits: { connections: 2 } } });
    const port = bob.layer.listening[0]?.port ?? 0;
    const first = await tcpClient(port);
    await tcpClient(port);
    const third = await tcpClient(port);
    await until(third.ended, 'the end of the third connection');
    expect(first.ended()).toBe(false);
    expect(bob.layer.counters.connectionsRefused).toBe(1);
  });

  test('connections of others leave room for our own', async () => {
    const bob = await agent('bob', [at('tcp')], { layer: { limits: { connections: 2 } } });
    const port = bob.layer.listening[0]?.port ?? 0;
    await tcpClient(port);
    await tcpClient(port);
    const third = await tcpClient(port);
    await until(third.ended, 'the end of the third connection');
    const alice = await agent('alice', [at('tcp')]);
    expect(await ping(bob, alice.uri().toString())).toBe(200);
  });

  test('a peer that does not read is cut off', async () => {
    const bob = await agent('bob', [at('tcp')], { layer: { limits: { sendQueueBytes: 10_000 } } });
    const { socket } = await tcpClient(bob.layer.listening[0]?.port ?? 0);
    socket.pause();
    let lost = '';
    bob.layer.on('flowLost', ({ error }) => {
      lost = error.message;
    });
    socket.write(request({ sentBy: 'TCP 127.0.0.1:1' }));
    await until(() => bob.requests.length > 0, 'the request');
    const flow = bob.requests[0]?.flow;
    if (flow === undefined) throw new Error('no flow');
    const transport = bob.layer.coreTransport(() => ({ flow }));
    const filler = { contentDisposition: '', contentType: 'text/plain', content: 'x'.repeat(9000) };
    let sent = 0;
    await until(() => {
      const message = requestTo(bob, 'MESSAGE', uriOf('sip:a@127.0.0.1:1;transport=tcp'), {
        body: filler,
      });
      message.setViaHeader(`z9hG4bKfill${sent++}`, 'TCP');
      if (lost === '') transport.send(message.toString()).catch(() => undefined);
      return lost !== '';
    }, 'the end of the connection');
    expect(lost).toContain('does not read');
  });

  test('the loss of a connection fails what waits for an answer on it, with 503', async () => {
    const port = await tcpServer((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
      socket.on('error', () => undefined);
    });
    const alice = await agent('alice', [at('udp')]);
    const lost = new Promise<string>((resolve) => {
      alice.layer.on('flowLost', ({ flow, error }) => resolve(`${flow.transport} ${error.code}`));
    });
    expect(await ping(alice, `sip:bob@127.0.0.1:${port};transport=tcp`)).toBe(503);
    expect(await lost).toBe('tcp connection-lost');
  });

  test('a connection that cannot be made is a 503 with sip.js', async () => {
    const alice = await agent('alice', [at('udp')]);
    expect(await ping(alice, 'sip:bob@127.0.0.1:1;transport=tcp')).toBe(503);
  });
});
