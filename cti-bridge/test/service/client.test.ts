import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { followCti, type CtiClient, type CtiClientState } from '../../client/index.ts';
import { queries } from '../../src/service/wire.ts';
import { eventually } from '../eventually.ts';
import { run, type Running } from './running.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function follow(url: string, more: { token?: () => string; keepAliveMs?: number } = {}) {
  const states: CtiClientState[] = [];
  const client: CtiClient = followCti({ url, token: () => 'all', ...more });
  client.on('state', (state) => states.push(state));
  closing.push(() => client.close());
  return { client, states };
}

async function started(port = 0): Promise<Running> {
  const running = await run({ port });
  closing.push(() => running.close());
  return running;
}

/** A port of the loopback at which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a client that follows a bridge', () => {
  it('comes to one that is started later', async () => {
    const port = await freePort();
    const { client, states } = follow(`http://127.0.0.1:${port}`);
    await eventually(() => states).toMatchObject([
      {
        state: 'disconnected',
        code: 'bridge-unreachable',
        reason: expect.stringMatching(/nothing answers/),
      },
    ]);
    await started(port);
    await eventually(() => client.connected).toBe(true);
    await eventually(() => client.mirror.devices().map(({ id }) => id)).toEqual(['alice', 'bob']);
  });

  it('says that its token is not good, and takes a new one', async () => {
    const { url } = await started();
    let token = 'old';
    const { states } = follow(url, { token: () => token });
    await eventually(() => states).toMatchObject([
      { state: 'disconnected', code: 'unauthenticated', reason: 'nobody has this token' },
    ]);
    token = 'all';
    await eventually(() => states.at(-1)).toEqual({ state: 'connected' });
  });

  it('takes events that come in one piece with the snapshot', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closing.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const device = { id: 'alice', kind: 'station', inService: true, capabilities: [] };
    const params = {
      seq: 8,
      event: { type: 'deviceChanged', cause: 'normal', at: 0, device },
    };
    server.on('connection', (socket, request) => {
      socket.on('message', (data: Buffer) => {
        const { id, method } = JSON.parse(data.toString('utf8')) as { id: number; method: string };
        const snapshot = { devices: [], connections: [] };
        const start = { epoch: 'e', seq: 7, resumed: false, snapshot };
        const result = method === 'subscribe' ? start : { name: 'somebody' };
        request.socket.cork();
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
        if (method === 'subscribe') {
          socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'event', params }));
        }
        request.socket.uncork();
      });
    });
    const { client } = follow(`ws://127.0.0.1:${port}`);
    await eventually(() => client.mirror.devices().map(({ id }) => id)).toEqual(['alice']);
  });

  it('gives up a bridge that does not answer any more', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
    closing.push(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const start = queries.subscribe.result.parse({
      epoch: 'e',
      seq: 0,
      resumed: false,
      snapshot: { devices: [], connections: [] },
    });
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        const { id, method } = JSON.parse(data.toString('utf8')) as { id: number; method: string };
        const result = method === 'subscribe' ? start : { name: 'somebody' };
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    });
    const { states } = follow(`ws://127.0.0.1:${port}`, { keepAliveMs: 20 });
    await eventually(() => states.slice(0, 2)).toEqual([
      { state: 'connected' },
      {
        state: 'disconnected',
        code: 'bridge-unreachable',
        reason: 'the bridge does not answer',
      },
    ]);
  });
});
