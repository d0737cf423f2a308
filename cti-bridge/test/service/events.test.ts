import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connectCti, type CtiClient } from '../../client/index.ts';
import type { LogEntry } from '../../src/service/wire.ts';
import { eventually } from '../eventually.ts';
import { callBetween, FakeAdapter } from './fake-adapter.ts';
import { get, run, type Running, type RunOptions } from './running.ts';

let running: Running;
const clients: CtiClient[] = [];

beforeEach(() => {
  clients.length = 0;
});

afterEach(async () => {
  for (const client of clients) client.close();
  await running.close();
});

async function client(token = 'all'): Promise<CtiClient & { entries: LogEntry[] }> {
  const entries: LogEntry[] = [];
  const one = await connectCti({ url: running.url, token: () => token, timeoutMs: 3000 });
  one.on('event', (entry) => entries.push(entry));
  clients.push(one);
  return Object.assign(one, { entries });
}

function state(one: CtiClient) {
  return {
    devices: one.mirror.devices().map(({ id }) => id),
    connections: one.mirror
      .connections()
      .map(({ id, state: now }) => `${id} ${now}`)
      .toSorted(),
  };
}

describe('a client', () => {
  it('has what is there at once, and what happens after', async () => {
    running = await run();
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    const one = await client();
    expect(state(one)).toEqual({
      devices: ['alice', 'bob'],
      connections: ['pbx:1.1 connected', 'pbx:1.2 connected'],
    });
    running.adapter.tell({ kind: 'cleared', key: 'pbx:1.2' });
    await eventually(() => state(one).connections).toEqual(['pbx:1.1 connected']);
    expect(one.entries).toMatchObject([{ seq: 5, event: { type: 'connectionCleared' } }]);
  });

  it('asks for services and is refused in the bridge’s words', async () => {
    running = await run();
    const one = await client();
    const made = await one.request('makeCall', { device: 'alice', to: '600' });
    expect(made).toEqual({ call: 'pbx:1', connection: 'pbx:1' });
    const refused = one.request('answerCall', { connection: 'pbx:9' });
    await expect(refused).rejects.toMatchObject({ layer: 'cti', code: 'no-such-connection' });
    expect((await one.query('systemStatus', {})).pbxs).toEqual([{ name: 'pbx', up: true }]);
  });

  it('is refused at once when its token is wrong', async () => {
    running = await run();
    await expect(client('wrong')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('misses nothing and gets nothing twice over a reconnect', async () => {
    const adapter = new FakeAdapter();
    running = await run({ adapter });
    const one = await client();
    adapter.tell(...callBetween('alice', 'bob', '1'));
    await eventually(() => one.entries.length).toBe(2);
    const resets: number[] = [];
    one.on('reset', () => resets.push(1));
    const back = new Promise((resolve) => {
      one.on('state', (now) => now.state === 'connected' && resolve(undefined));
    });
    dropAll(one);
    adapter.tell(...callBetween('bob', 'alice', '2'), { kind: 'cleared', key: 'pbx:1.1' });
    await back;
    await eventually(() => one.entries.map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 7]);
    expect(resets).toEqual([]);
    expect(state(one).connections).toHaveLength(3);
  });

  it('gets a snapshot when the bridge no longer has what it missed', async () => {
    running = await run({ eventsKept: 3 });
    const one = await client();
    const reset = new Promise((resolve) => one.on('reset', () => resolve(undefined)));
    dropAll(one);
    running.adapter.tell(...callBetween('alice', 'bob', '1'), ...callBetween('bob', 'alice', '2'));
    await reset;
    expect(state(one).connections).toHaveLength(4);
  });

  it('gets a snapshot from a bridge that was started anew', async () => {
    running = await run();
    const one = await client();
    const { port } = new URL(running.url);
    const reset = new Promise((resolve) => one.on('reset', () => resolve(undefined)));
    await running.close();
    running = await run({ port: Number(port) });
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    await reset;
    await eventually(() => state(one).connections).toHaveLength(2);
  });
});

/** Cuts the client's connection from below, as a network does. */
function dropAll(one: CtiClient): void {
  expect(one.connected).toBe(true);
  running.dropConnections();
}

describe('somebody who sees one device', () => {
  const tokens: RunOptions['tokens'] = {
    all: { devices: ['*'], scopes: ['monitor'] },
    alices: { devices: ['alice'], scopes: ['monitor'] },
  };

  it('sees a call whole while that device is in it, and nothing before or after', async () => {
    running = await run({ tokens });
    const one = await client('alices');
    const all = await client('all');
    const [caller, called] = callBetween('bob', 'carol', '1');
    if (caller === undefined || called === undefined) throw new Error('no facts');
    running.adapter.tell(caller, called);
    running.adapter.tell({
      kind: 'connection',
      key: 'pbx:1.3',
      call: 'pbx:1',
      device: 'alice',
      role: 'joined',
      state: 'connected',
    });
    await eventually(() => state(one).connections).toHaveLength(3);
    running.adapter.tell({ kind: 'cleared', key: 'pbx:1.3' });
    await eventually(() => state(one).connections).toEqual([]);
    running.adapter.tell({ kind: 'cleared', key: 'pbx:1.2' });
    await eventually(() => all.entries.length).toBe(5);
    expect(one.entries.map(({ seq }) => seq)).toEqual([5, 6]);
  });
});

describe('a reader that does not read', () => {
  it('is disconnected, costs a bounded amount, is told why when it reads, and can come back', async () => {
    running = await run({ maxUnread: 64 * 1024, eventsKept: 100_000 });
    const { port } = new URL(running.url);
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write('GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\n\r\n');
    await eventually(() => running.office.subscribers).toBe(1);
    socket.pause();
    await tellUntilDropped();
    let last = '';
    socket.on('data', (chunk: Buffer) => (last = (last + chunk.toString()).slice(-2000)));
    socket.resume();
    await eventually(() => last).toMatch(/event: unread\ndata: \{"reason":".*not read"\}/);
    socket.destroy();
    const [id = '', seq] = /(?<=id: )\S+:(\d+)(?![^]*\nid: )/.exec(last) ?? [];
    const missed = await read('/v1/events', { 'Last-Event-ID': id }, 1);
    expect(missed).toContain(`"seq":${Number(seq) + 1},`);
    expect(missed).not.toContain('snapshot');
  });

  it('is closed with 1013 over a WebSocket', async () => {
    running = await run({ maxUnread: 64 * 1024, eventsKept: 100_000 });
    const socket = new WebSocket(`${running.url.replace('http', 'ws')}/v1/rpc`, {
      headers: { Authorization: 'Bearer all' },
    });
    await once(socket, 'open');
    socket.send('{"jsonrpc":"2.0","id":1,"method":"subscribe"}');
    await eventually(() => running.office.subscribers).toBe(1);
    socket.pause();
    await tellUntilDropped();
    const closed = once(socket, 'close');
    socket.resume();
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1013, 'too much waits that is not read']);
  });

  async function tellUntilDropped(): Promise<void> {
    for (let n = 0; n < 60_000 && running.office.subscribers > 0; n++) {
      running.adapter.tell(...callBetween('alice', 'bob', String(n)));
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => running.office.subscribers).toBe(0);
    expect((await get(running, '/metrics', 'all')).body).toContain('subscribers_dropped_total 1');
  }
});

describe('server-sent events', () => {
  it('begin with a snapshot, and go on after the last id', async () => {
    running = await run();
    running.adapter.tell(...callBetween('alice', 'bob', '1'));
    const first = await read('/v1/events', {}, 1);
    expect(first).toMatch(/^id: [\w-]+:4\nevent: snapshot\n/);
    const [, id = ''] = /^id: (\S+)/.exec(first) ?? [];
    running.adapter.tell({ kind: 'cleared', key: 'pbx:1.1' });
    const second = await read('/v1/events', { 'Last-Event-ID': id }, 2);
    expect(second).toContain(':5\nevent: event\ndata: {"seq":5,');
    expect(second).not.toContain('snapshot');
  });
});

async function read(path: string, headers: Record<string, string>, blocks: number) {
  const gone = new AbortController();
  const response = await fetch(`${running.url}${path}`, {
    headers: { Authorization: 'Bearer all', ...headers },
    signal: gone.signal,
  });
  let text = '';
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (text.split('\n\n').length <= blocks) text += (await reader?.read())?.value ?? '';
  gone.abort();
  return text;
}
