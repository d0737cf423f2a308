import { PassThrough, Duplex } from 'node:stream';
import { ManualClock } from '@offhook/common';
import { afterEach, describe, expect, test } from 'vitest';
import type { TransportLayer } from '../../src/transport/layer.ts';
import type { Network, StreamSocket } from '../../src/transport/network.ts';
import { createTransportLayer } from '../../src/transport/transport-layer.ts';
import { coreRequest } from './support/bare-layer.ts';
import { request } from './support/messages.ts';

/** The two ends of a byte stream in memory. */
function pipe(): [Duplex, Duplex] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [
    Duplex.from({ readable: back, writable: there }),
    Duplex.from({ readable: there, writable: back }),
  ];
}

interface Peer {
  readonly stream: Duplex;
  text: string;
  ended: boolean;
}

interface Setting {
  readonly clock: ManualClock;
  readonly layer: TransportLayer;
  /** Connections that the layer opened. */
  readonly opened: Peer[];
  /** Connects to the layer from port 40000 on. */
  readonly dial: () => Peer;
  readonly lost: string[];
  readonly methods: string[];
}

let open: TransportLayer | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

function watch(stream: Duplex): Peer {
  const peer: Peer = { stream, text: '', ended: false };
  stream.on('data', (data: Buffer) => {
    peer.text += data.toString('utf8');
  });
  stream.on('end', () => {
    peer.ended = true;
  });
  stream.on('error', () => undefined);
  return peer;
}

async function setUp(
  limits: Parameters<typeof createTransportLayer>[0]['limits'] = {},
): Promise<Setting> {
  const clock = new ManualClock();
  const opened: Peer[] = [];
  let accept: ((socket: StreamSocket) => void) | undefined;
  let port = 40_000;
  const network: Network = {
    bindUdp: () => Promise.reject(new Error('no UDP here')),
    listen: async (at, accepts) => {
      accept = accepts;
      return { local: { address: at.address, port: 5060 }, close: async () => undefined };
    },
    connect: async (to) => {
      const [ours, theirs] = pipe();
      opened.push(watch(theirs));
      return { stream: ours, local: { address: '127.0.0.1', port: port++ }, remote: to };
    },
    sourceAddress: async () => '127.0.0.1',
    probe: async () => false,
  };
  const layer = await createTransportLayer({
    listen: [{ transport: 'tcp', address: '127.0.0.1', port: 5060 }],
    clock,
    network,
    limits,
    random: { bytes: (count) => new Uint8Array(count), fraction: () => 1 },
  });
  open = layer;
  const lost: string[] = [];
  const methods: string[] = [];
  layer.on('flowLost', ({ error }) => lost.push(error.message));
  layer.receive({
    request: ({ message }) => methods.push(message.method),
    response: () => undefined,
  });
  const dial = (): Peer => {
    const [ours, theirs] = pipe();
    accept?.({
      stream: ours,
      local: { address: '127.0.0.1', port: 5060 },
      remote: { address: '127.0.0.1', port: port++ },
    });
    return watch(theirs);
  };
  return { clock, layer, opened, dial, lost, methods };
}

describe('keep-alive of a connection (RFC 5626 §4.4.1)', () => {
  const target = { uri: 'sip:127.0.0.1:6000;transport=tcp' };

  test('sends a ping each interval, until it is stopped', async () => {
    const { clock, layer, opened } = await setUp();
    const flow = await layer.reach(target);
    const stop = layer.keepAlive(flow, { intervalMs: 30_000 });
    await clock.advance(95_000);
    expect(opened[0]?.text).toBe('\r\n\r\n'.repeat(3));
    stop();
    await clock.advance(95_000);
    expect(opened[0]?.text).toBe('\r\n\r\n'.repeat(3));
  });

  test('a peer that never sent a pong is not held to it', async () => {
    const { clock, layer, lost } = await setUp();
    layer.keepAlive(await layer.reach(target), { intervalMs: 30_000 });
    await clock.advance(300_000);
    expect(lost).toEqual([]);
  });

  test('a pong that stops coming means that the connection is dead after 10 s', async () => {
    const { clock, layer, opened, lost } = await setUp();
    layer.keepAlive(await layer.reach(target), { intervalMs: 30_000 });
    await clock.advance(30_000);
    opened[0]?.stream.write('\r\n');
    await clock.advance(39_900);
    expect(lost).toEqual([]);
    await clock.advance(200);
    expect(lost).toEqual([expect.stringContaining('no pong came')]);
  });

  test('a pong can be demanded from the first ping on', async () => {
    const { clock, layer, lost } = await setUp();
    layer.keepAlive(await layer.reach(target), { intervalMs: 30_000, requirePong: true });
    await clock.advance(40_100);
    expect(lost).toHaveLength(1);
  });

  test('answers a ping', async () => {
    const { clock, dial } = await setUp();
    const peer = dial();
    peer.stream.write('\r\n\r\n');
    await clock.advance(1);
    expect(peer.text).toBe('\r\n');
  });
});

describe('deadlines of a connection', () => {
  test('a message that drips in is cut off 15 s after it began', async () => {
    const { clock, dial, lost, methods } = await setUp();
    const peer = dial();
    for (const char of 'OPTIONS sip:bob') {
      peer.stream.write(char);
      await clock.advance(1000);
    }
    await clock.advance(1000);
    expect(lost).toEqual([expect.stringContaining('took too long')]);
    expect(methods).toEqual([]);
    expect(peer.ended).toBe(true);
  });

  test('the deadline is for each message alone', async () => {
    const { clock, dial, lost, methods } = await setUp();
    const peer = dial();
    for (let at = 0; at < 5; at++) {
      const text = request({ method: 'MESSAGE', branch: `z9hG4bK${at}` });
      peer.stream.write(text.slice(0, 50));
      await clock.advance(10_000);
      peer.stream.write(text.slice(50));
      await clock.advance(1000);
    }
    expect(lost).toEqual([]);
    expect(methods).toHaveLength(5);
  });

  test('an idle connection is closed, one that is kept alive is not', async () => {
    const { clock, layer, dial, lost } = await setUp({ idleMs: 60_000 });
    const idle = dial();
    layer.keepAlive(await layer.reach({ uri: 'sip:127.0.0.1:6000;transport=tcp' }));
    await clock.advance(50_000);
    idle.stream.write('\r\n');
    await clock.advance(50_000);
    expect(lost).toEqual([]);
    await clock.advance(20_000);
    expect(lost).toEqual([expect.stringContaining('idle')]);
    await clock.advance(300_000);
    expect(lost).toHaveLength(1);
  });
});

describe('use of connections', () => {
  const send = (layer: TransportLayer, uri: string, branch: string): Promise<void> =>
    layer.coreTransport().send(coreRequest('OPTIONS', { uri, branch }));

  test('requests at the same time to the same place share one new connection', async () => {
    const { layer, opened } = await setUp();
    const uri = 'sip:bob@127.0.0.1:6000;transport=tcp';
    await Promise.all(
      ['z9hG4bK1', 'z9hG4bK2', 'z9hG4bK3'].map((branch) => send(layer, uri, branch)),
    );
    expect(opened).toHaveLength(1);
  });

  test('the Via names the port where we listen, not that of the connection', async () => {
    const { clock, layer, opened } = await setUp();
    await send(layer, 'sip:bob@127.0.0.1:6000;transport=tcp', 'z9hG4bK1');
    await clock.advance(1);
    expect(opened[0]?.text).toContain('Via: SIP/2.0/TCP 127.0.0.1:5060;');
  });

  test('a request to the far end of an incoming connection goes over it', async () => {
    const { clock, layer, opened, dial } = await setUp();
    const peer = dial();
    await send(layer, 'sip:bob@127.0.0.1:40000;transport=tcp', 'z9hG4bK1');
    await clock.advance(1);
    expect(opened).toHaveLength(0);
    expect(peer.text).toContain('OPTIONS');
  });

  test('an incoming connection with an alias is used for requests to that port (RFC 5923)', async () => {
    const { clock, layer, opened, dial } = await setUp();
    const peer = dial();
    peer.stream.write(request({ sentBy: 'TCP 127.0.0.1:6000', viaParams: ';alias;rport' }));
    await clock.advance(1);
    await send(layer, 'sip:bob@127.0.0.1:6000;transport=tcp', 'z9hG4bK1');
    await clock.advance(1);
    expect(opened).toHaveLength(0);
    expect(peer.text).toContain('OPTIONS');
    peer.stream.destroy();
    await clock.advance(1);
    await send(layer, 'sip:bob@127.0.0.1:6000;transport=tcp', 'z9hG4bK2');
    expect(opened).toHaveLength(1);
  });

  test('an alias for another address than its own counts for nothing', async () => {
    const { clock, layer, opened, dial } = await setUp();
    dial().stream.write(request({ sentBy: 'TCP 192.0.2.1:6000', viaParams: ';alias;rport' }));
    await clock.advance(1);
    await send(layer, 'sip:bob@192.0.2.1:6000;transport=tcp', 'z9hG4bK1');
    expect(opened).toHaveLength(1);
  });

  test('nothing is repeated over a connection (RFC 3261 §17.1.1.2)', async () => {
    const { clock, layer, opened } = await setUp();
    const transport = layer.coreTransport();
    const uri = 'sip:bob@127.0.0.1:6000;transport=tcp';
    await transport.send(coreRequest('INVITE', { uri, branch: 'z9hG4bK1' }));
    await transport.send(coreRequest('OPTIONS', { uri, branch: 'z9hG4bK2' }));
    await clock.advance(31_000);
    expect(opened[0]?.text.match(/^(INVITE|OPTIONS)/gm)).toEqual(['INVITE', 'OPTIONS']);
    expect(layer.counters.retransmissionsSent).toBe(0);
  });

  test('no timer and no connection is left after close', async () => {
    const { clock, layer, dial, opened } = await setUp();
    const peer = dial();
    peer.stream.write('OPTIONS ');
    layer.keepAlive(await layer.reach({ uri: 'sip:127.0.0.1:6000;transport=tcp' }));
    await clock.advance(1);
    await layer.close();
    await clock.advance(1001);
    expect(clock.pending).toBe(0);
    expect([peer.ended, opened[0]?.ended]).toEqual([true, true]);
  });
});
