import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { OffhookError, silentLogger, systemClock, withDeadline } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/channel.ts';
import { startSpiceProxy, type ViewerEntrance } from '../../src/spice/index.ts';
import {
  AUTH_MECHANISM_SPICE,
  decodeLinkReply,
  encodeLinkHeader,
  encodeLinkRequest,
  encryptTicket,
} from '../../src/spice/link.ts';
import { mainFromServer, portFromServer } from '../../src/spice/messages.ts';
import { SocketReader } from '../../src/socket-reader.ts';
import { FakeServer, frame, message, sendMain, type FakeServerOptions } from './fake-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function setUp(
  options: FakeServerOptions = {},
  timeoutMs = 2000,
  onChannel: (engine: Channel) => void = () => undefined,
) {
  const server = await FakeServer.start(options);
  cleanups.push(() => server.stop());
  const proxy = await startSpiceProxy({
    source: { host: '127.0.0.1', port: server.port, password: 'x', secureChannels: [] },
    portName: 'org.offhook.engine.0',
    clock: systemClock,
    logger: silentLogger,
    timeoutMs,
    onChannel,
  });
  cleanups.push(() => proxy.close());
  return { server, proxy, entrance: proxy.admit() };
}

function connectTo({ host, port }: ViewerEntrance): Socket {
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  return socket;
}

const DISPLAY = { connectionId: 4711, channelType: 2, channelId: 0, channelCaps: [1, 33] };
const MAIN = { ...DISPLAY, connectionId: 0, channelType: 1 };
const { signal } = new AbortController();

async function link(entrance: ViewerEntrance, request = DISPLAY) {
  const socket = connectTo(entrance);
  const reader = new SocketReader(socket);
  socket.write(encodeLinkRequest(request));
  const header = await reader.read(16, signal);
  const reply = decodeLinkReply(await reader.read(Buffer.from(header).readUInt32LE(12), signal));
  return { socket, reader, reply };
}

/** The socket of a viewer whose channel stands. */
async function linked(entrance: ViewerEntrance, request = DISPLAY): Promise<Socket> {
  const { socket, reader, reply } = await link(entrance, request);
  socket.write(AUTH_MECHANISM_SPICE);
  socket.write(encryptTicket(reply.publicKey, entrance.ticket));
  expect(await reader.read(4, signal)).toEqual(Buffer.alloc(4));
  reader.release();
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  await withDeadline({ layer: 'system', what: 'the connection to close', ms: 5000 }, async () => {
    if (!socket.closed) await once(socket, 'close');
  });
}

describe('a channel through the proxy', () => {
  it('has the capabilities of both ends', async () => {
    const { entrance } = await setUp();
    const { reply } = await link(entrance);
    expect(reply.channelCaps).toEqual([1, 33]);
  });

  it('carries megabytes unchanged, and holds the server up while the viewer does not read', async () => {
    const block = randomBytes(1024 * 1024);
    const blocks = 96;
    let taken = 0;
    const sent = createHash('sha256');
    const { entrance } = await setUp({
      serve: (socket) => {
        void (async () => {
          for (let count = 0; count < blocks; count++) {
            sent.update(block);
            if (!socket.write(block)) await once(socket, 'drain');
            taken += block.length;
          }
          socket.end();
        })();
      },
    });
    const viewer = await linked(entrance);
    // What lies in four socket buffers, and no more while nobody reads.
    let before = 0;
    const standsStill = () => {
      const still = taken > 0 && taken === before;
      before = taken;
      return still;
    };
    await expect.poll(standsStill, { interval: 100, timeout: 5000 }).toBe(true);
    expect(taken).toBeLessThan((blocks / 2) * block.length);
    const received = createHash('sha256');
    for await (const chunk of viewer) received.update(chunk as Buffer);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('ends at the server when the viewer goes, and at the viewer when the server does', async () => {
    const { server, entrance } = await setUp({ serve: (socket) => void socket.resume() });
    const first = await linked(entrance);
    const [atServer] = server.sockets;
    first.destroy();
    if (atServer !== undefined) await closed(atServer);
    const second = await linked(entrance);
    for (const socket of server.sockets) socket.end('last words');
    let text = '';
    second.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await closed(second);
    expect(text).toBe('last words');
  });
});

describe('a bad client at the proxy', () => {
  const LENGTH = 18;
  it.each<[string, Uint8Array]>([
    ['speaks another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['announces an endless link message', encodeLinkHeader(0xffff_ffff)],
    [
      'sends a link message that is too short',
      Buffer.concat([encodeLinkHeader(4), Buffer.alloc(4)]),
    ],
    [
      'points outside its link message',
      Buffer.concat([encodeLinkHeader(LENGTH), Buffer.alloc(LENGTH, 0xff)]),
    ],
  ])('is cut off before the server hears of it when it %s', async (_what, bytes) => {
    const { server, entrance } = await setUp();
    const socket = connectTo(entrance);
    socket.write(bytes);
    await closed(socket);
    expect(server.connections).toBe(0);
  });

  it('is told that it is too old when it has no mini headers', async () => {
    const { entrance } = await setUp();
    const socket = connectTo(entrance);
    const request = encodeLinkRequest(MAIN);
    // The word of common capabilities: protocol selection and tickets only.
    new DataView(request.buffer).setUint32(34, 0b11, true);
    socket.write(request);
    const reader = new SocketReader(socket);
    await reader.read(16, signal);
    expect(Buffer.from(await reader.read(4, signal)).readUInt32LE()).toBe(4);
  });

  it.each<[string, (entrance: ViewerEntrance) => Promise<Socket>]>([
    ['connects', (entrance) => Promise.resolve(connectTo(entrance))],
    [
      'begins its link message',
      (entrance) => {
        const socket = connectTo(entrance);
        socket.write(encodeLinkRequest(MAIN).subarray(0, 20));
        return Promise.resolve(socket);
      },
    ],
    ['has its link reply', async (entrance) => (await link(entrance)).socket],
    [
      'begins its ticket',
      async (entrance) => {
        const { socket } = await link(entrance);
        socket.write(Buffer.alloc(60));
        return socket;
      },
    ],
  ])('is cut off, at the server too, when it falls silent after it %s', async (_what, act) => {
    const { server, entrance } = await setUp({}, 100);
    await closed(await act(entrance));
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('costs only itself when it sends garbage for a ticket', async () => {
    const { entrance } = await setUp({ serve: (socket) => void socket.write('fine') });
    const { socket, reader } = await link(entrance);
    socket.write(Buffer.alloc(4 + 128, 0xaa));
    expect(Buffer.from(await reader.read(4, signal)).readUInt32LE()).toBe(7);
    await closed(socket);
    const [data] = (await once(await linked(entrance), 'data')) as [Buffer];
    expect(data.toString()).toBe('fine');
  });

  it('takes no place from others beyond the limit', async () => {
    const { entrance } = await setUp({}, 1000);
    const crowd = Array.from({ length: 128 }, () => connectTo(entrance));
    await Promise.all(crowd.map((socket) => once(socket, 'connect')));
    await closed(connectTo(entrance));
    for (const socket of crowd) socket.destroy();
    const errorCode = () => link(entrance).then(({ reply }) => reply.error);
    await expect.poll(errorCode, { timeout: 5000 }).toBe(0);
  });
});

describe('an engine behind the proxy', () => {
  const PORT_NAME = 'org.offhook.engine.0';
  const FLOOD = frame(portFromServer.data.type, Buffer.alloc(64 * 1024));

  /** A desktop whose guest floods the port; what its display is sent comes back. */
  const serve: FakeServerOptions['serve'] = (socket, { channelType }) => {
    if (channelType === 1) {
      sendMain(socket, [
        { type: 2, id: 0 },
        { type: 10, id: 3 },
      ]);
    } else if (channelType === 10) {
      const name = Buffer.from(`${PORT_NAME}\0`);
      socket.write(message(portFromServer.init, { name, opened: 1 }));
      const pour = () => {
        while (!socket.destroyed && socket.write(FLOOD));
      };
      socket.on('drain', pour).resume();
      pour();
    } else {
      socket.pipe(socket);
    }
  };

  it.each<[string, (engine: Channel) => void]>([
    ['takes nothing', (engine) => engine.pause()],
    ['is gone', (engine) => engine.destroy()],
    [
      'says more than the guest takes',
      (engine) => {
        for (let turn = 0; turn < 64 && !engine.closed; turn++)
          engine.write(Buffer.alloc(256 * 1024));
      },
    ],
    [
      'fails at each byte',
      (engine) =>
        engine.on('data', () => {
          engine.destroy(new OffhookError('channel', 'failed', 'the engine has crashed'));
        }),
    ],
  ])('leaves the viewer’s channels alone when it %s', async (_what, act) => {
    const channels: Channel[] = [];
    const { entrance } = await setUp({ serve }, 2000, (channel) => {
      channels.push(channel);
      act(channel);
    });
    const main = await linked(entrance, MAIN);
    const display = await linked(entrance);
    await expect.poll(() => channels.length).toBeGreaterThan(0);
    for (let turn = 0; turn < 50; turn++) {
      const picture = frame(301, randomBytes(1000));
      display.write(picture);
      const reader = new SocketReader(display);
      expect(await reader.read(picture.length, signal)).toEqual(picture);
      reader.release();
    }
    expect([main.destroyed, display.destroyed]).toEqual([false, false]);
  });
});

describe('a bad server behind the proxy', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['closes at once', (socket) => socket.destroy()],
    ['speaks another protocol', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['announces an endless reply', (socket) => void socket.write(encodeLinkHeader(0xffff_ffff))],
  ])('makes the viewer hear of an error in time when it %s', async (_what, act) => {
    const { entrance } = await setUp({ link: act }, 300);
    expect((await link(entrance)).reply.error).toBe(1);
  });

  it.each([1, 5, 8, 9])('is quoted when it refuses the link with code %i', async (code) => {
    const refusal = Buffer.concat([encodeLinkHeader(4), Buffer.of(code, 0, 0, 0)]);
    const { entrance } = await setUp({ link: (socket) => void socket.write(refusal) });
    expect((await link(entrance)).reply.error).toBe(code);
  });

  it('that lists no end of channels costs the viewer its connection, as it would without us', async () => {
    const { entrance } = await setUp({
      serve: (socket) => {
        sendMain(socket, []);
        socket.write(frame(mainFromServer.channelsList.type, Buffer.of(255, 255, 255, 255)));
      },
    });
    const viewer = await linked(entrance, MAIN);
    await closed(viewer);
    expect(viewer.bytesRead).toBeGreaterThan(0);
    // The next one is served all the same.
    await linked(entrance, MAIN);
  });

  it('whose port does not answer holds the list of channels back for a while only', async () => {
    const display = { type: 2, id: 0 };
    const port = { type: 10, id: 3 };
    const { entrance } = await setUp(
      {
        serve: (socket, { channelType }) => {
          if (channelType === 1) sendMain(socket, [display, port]);
        },
      },
      300,
    );
    const viewer = await linked(entrance, MAIN);
    const reader = new SocketReader(viewer);
    await reader.read(6 + 32, signal);
    const list = Buffer.from(await reader.read(6 + 4 + 4, signal));
    expect([...list.subarray(6)]).toEqual([2, 0, 0, 0, 2, 0, 10, 3]);
  });
});
