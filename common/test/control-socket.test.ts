import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import {
  connectControl,
  controlMethod,
  OffhookError,
  serveControl,
  silentLogger,
  withDeadline,
  type ControlClient,
  type ControlServer,
  type ServeControlOptions,
} from '../src/index.ts';

const hung = Promise.withResolvers<AbortSignal>();

const methods = {
  add: controlMethod({
    params: z.object({ a: z.number(), b: z.number() }),
    result: z.object({ sum: z.number() }),
    handle: ({ a, b }) => ({ sum: a + b }),
  }),
  'call.dial': controlMethod({
    params: z.object({}),
    result: z.object({}),
    handle: () => {
      throw new OffhookError('signaling', 'no-account', 'no account to call from', {
        remedy: 'add an account',
        details: { accounts: 0 },
      });
    },
  }),
  crash: controlMethod({
    params: z.object({}),
    result: z.object({}),
    handle: () => {
      throw new TypeError('secret detail');
    },
  }),
  hang: controlMethod({
    params: z.object({}),
    result: z.object({}),
    handle: (_params, { signal }) => {
      const { promise, reject } = Promise.withResolvers<Record<string, never>>();
      signal.addEventListener('abort', () => reject(signal.reason));
      waiting.resolve(signal);
      return promise;
    },
  }),
  big: controlMethod({
    params: z.object({ bytes: z.int() }),
    result: z.object({ text: z.string() }),
    handle: ({ bytes }) => ({ text: 'x'.repeat(bytes) }),
  }),
};

let waiting = hung;
let dir: string;
let path: string;
let server: ControlServer | undefined;
const clients: ControlClient[] = [];
const sockets: Socket[] = [];

beforeEach(() => {
  waiting = Promise.withResolvers<AbortSignal>();
  dir = mkdtempSync(join(tmpdir(), 'offhook-control-'));
  path = join(dir, 'state', 'control.sock');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of clients.splice(0)) await client.close();
  await server?.close();
  server = undefined;
  rmSync(dir, { recursive: true });
});

async function serve(options: Partial<ServeControlOptions> = {}): Promise<ControlServer> {
  server = await serveControl({ path, methods, logger: silentLogger, ...options });
  return server;
}

async function client(): Promise<ControlClient> {
  const one = await connectControl(path);
  clients.push(one);
  return one;
}

/** A client that says what we want, byte for byte. */
async function rawClient(): Promise<Socket> {
  const socket = connect({ path });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function nextLine(
  socket: Socket,
): Promise<{ id?: unknown; error?: { code: number; data: object } }> {
  let text = '';
  while (!text.includes('\n')) {
    const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(5000) });
    text += String(chunk);
  }
  return JSON.parse(text.slice(0, text.indexOf('\n')));
}

describe('a call on the control socket', () => {
  it('carries parameters and result', async () => {
    await serve();
    const one = await client();
    const { sum } = await one.call('add', { a: 2, b: 3 }, { result: methods.add.result });
    expect(sum).toBe(5);
  });

  it('carries the layer, code, remedy and details of a failure', async () => {
    await serve();
    const one = await client();
    await expect(one.call('call.dial')).rejects.toMatchObject({
      name: 'OffhookError',
      layer: 'signaling',
      code: 'no-account',
      message: 'no account to call from',
      remedy: 'add an account',
      details: { accounts: 0 },
    });
  });

  it('refuses invalid parameters by name and stays usable', async () => {
    await serve();
    const one = await client();
    await expect(one.call('add', { a: 2, b: 'x' })).rejects.toMatchObject({
      layer: 'control',
      code: 'invalid-params',
      message: expect.stringMatching(/^add: b: /),
    });
    await expect(one.call('add', { a: 2, b: 1 })).resolves.toEqual({ sum: 3 });
  });

  it('names an unknown method and what it may have been', async () => {
    await serve();
    const one = await client();
    await expect(one.call('call.dail')).rejects.toMatchObject({
      code: 'unknown-method',
      message: 'no method call.dail; did you mean call.dial?',
    });
    await expect(one.call('toString')).rejects.toMatchObject({ code: 'unknown-method' });
  });

  it('hides the inside of an unexpected failure', async () => {
    await serve();
    const one = await client();
    await expect(one.call('crash')).rejects.toMatchObject({
      layer: 'control',
      code: 'internal',
      message: 'crash failed; see the log',
    });
  });

  it('ends at its deadline and is taken back at the daemon', async () => {
    await serve();
    const one = await client();
    const call = one.call('hang', {}, { timeoutMs: 50 });
    await expect(call).rejects.toMatchObject({ layer: 'control', code: 'timeout' });
    await aborted(await waiting.promise);
  });

  it('is taken back when the caller aborts', async () => {
    await serve();
    const one = await client();
    const controller = new AbortController();
    const call = one.call('hang', {}, { signal: controller.signal });
    const signal = await waiting.promise;
    controller.abort(new OffhookError('call', 'interrupted', 'by the user'));
    await expect(call).rejects.toMatchObject({ code: 'interrupted' });
    await aborted(signal);
  });

  it('is taken back when the client goes', async () => {
    await serve();
    const one = await client();
    const call = one.call('hang');
    const signal = await waiting.promise;
    const outcome = Promise.allSettled([call]);
    await one.close();
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { code: 'closed' } }]);
    await aborted(signal);
  });

  it('is refused when its result does not fit into a line', async () => {
    await serve();
    const one = await client();
    await expect(one.call('big', { bytes: 1024 * 1024 })).rejects.toMatchObject({
      code: 'too-large',
    });
    await expect(one.call('big', { bytes: 1000 })).resolves.toBeDefined();
  });

  it('rejects after close', async () => {
    await serve();
    const one = await client();
    await one.close();
    await one.close();
    await expect(one.call('add', { a: 1, b: 1 })).rejects.toMatchObject({ code: 'closed' });
  });

  it('rejects, and the close is told, when the daemon goes', async () => {
    await serve();
    const one = await client();
    const closed = Promise.withResolvers<OffhookError | undefined>();
    one.onClose((error) => closed.resolve(error));
    const call = one.call('hang');
    const outcome = Promise.allSettled([call]);
    await waiting.promise;
    await server?.close();
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { layer: 'control' } }]);
    expect(await closed.promise).toMatchObject({ layer: 'control', code: 'closed' });
  });

  it('reports a daemon that is not there', async () => {
    await expect(connectControl(path)).rejects.toMatchObject({
      layer: 'control',
      code: 'not-reachable',
    });
  });

  it('reports an answer of the wrong shape', async () => {
    await serve();
    const one = await client();
    const wrong = z.object({ total: z.number() });
    await expect(one.call('add', { a: 1, b: 1 }, { result: wrong })).rejects.toMatchObject({
      code: 'invalid-result',
    });
  });
});

describe('events', () => {
  it('come to those who subscribed, in order', async () => {
    const daemon = await serve();
    const [all, some, none] = [await client(), await client(), await client()];
    const seen: string[] = [];
    const last = Promise.withResolvers<void>();
    all.on('*', (params, event) => {
      seen.push(`all ${event} ${JSON.stringify(params)}`);
      if (event === 'end') last.resolve();
    });
    some.on('*', (_params, event) => seen.push(`some ${event}`));
    none.on('*', (_params, event) => seen.push(`none ${event}`));
    await some.subscribe(['call']);
    await all.subscribe();
    daemon.publish('call', { id: 1 });
    daemon.publish('registration', {});
    daemon.publish('end', {});
    await last.promise;
    await Promise.all([some.call('add', { a: 1, b: 1 }), none.call('add', { a: 1, b: 1 })]);
    expect(seen.filter((one) => one.startsWith('all'))).toEqual([
      'all call {"id":1}',
      'all registration {}',
      'all end {}',
    ]);
    expect(seen.filter((one) => !one.startsWith('all'))).toEqual(['some call']);
  });

  it('are known to be wanted while a subscriber is there', async () => {
    const daemon = await serve();
    expect(daemon.wants('stats')).toBe(false);
    const listener = await client();
    await listener.subscribe(['stats']);
    expect(daemon.wants('stats')).toBe(true);
    expect(daemon.wants('call')).toBe(false);
    await listener.close();
    await vi.waitFor(() => expect(daemon.wants('stats')).toBe(false), 2000);
  });

  it('disconnect a client that does not read, and nobody else', async () => {
    const daemon = await serve({ maxQueued: 64 * 1024 });
    const slow = await rawClient();
    slow.pause();
    slow.write('{"jsonrpc":"2.0","id":1,"method":"subscribe"}\n');
    const good = await client();
    await good.subscribe(['tick']);
    const payload = 'x'.repeat(32 * 1024);
    // The slow client's subscription is in force once the other has had an answer to a later call.
    await good.call('add', { a: 1, b: 1 });
    for (let round = 0; round < 200; round++) {
      const tick = new Promise((resolve) => good.on('tick', resolve));
      daemon.publish('tick', payload);
      await tick;
    }
    let received = 0;
    slow.on('data', (chunk: Buffer) => (received += chunk.length));
    slow.resume();
    await once(slow, 'close', { signal: AbortSignal.timeout(5000) });
    expect(received).toBeLessThan(200 * payload.length);
    await expect(good.call('add', { a: 1, b: 1 })).resolves.toEqual({ sum: 2 });
  });
});

describe('bad input', () => {
  it('is answered with a parse error and costs nothing else', async () => {
    await serve();
    const socket = await rawClient();
    socket.write('{"jsonrpc":\n');
    expect(await nextLine(socket)).toMatchObject({ id: null, error: { code: -32700 } });
    socket.write('[]\n');
    expect(await nextLine(socket)).toMatchObject({ id: null, error: { code: -32600 } });
    socket.write('{"jsonrpc":"2.0","id":7,"method":"add","params":{"a":1,"b":1}}\n');
    expect(await nextLine(socket)).toMatchObject({ id: 7, result: { sum: 2 } });
  });

  it('closes a connection whose line does not end', async () => {
    await serve();
    const socket = await rawClient();
    const answer = nextLine(socket);
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    for (let sent = 0; sent <= 1024 * 1024; sent += chunk.length) socket.write(chunk);
    expect(await answer).toMatchObject({
      error: { data: { layer: 'control', code: 'too-large' } },
    });
    await once(socket.resume(), 'close', { signal: AbortSignal.timeout(5000) });
  });

  it('is refused beyond the number of clients', async () => {
    await serve({ maxClients: 1 });
    await (await client()).call('add', { a: 1, b: 1 });
    const second = await client();
    await expect(second.call('add', { a: 1, b: 1 })).rejects.toMatchObject({
      code: 'too-many-clients',
    });
  });
});

describe('the socket file', () => {
  it('is for this user only, and gone after close', async () => {
    await serve();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'state')).mode & 0o777).toBe(0o700);
    await server?.close();
    expect(existsSync(path)).toBe(false);
  });

  it('of a living daemon is not taken', async () => {
    await serve();
    await expect(serveControl({ path, methods, logger: silentLogger })).rejects.toMatchObject({
      layer: 'control',
      code: 'in-use',
    });
    await expect((await client()).call('add', { a: 1, b: 1 })).resolves.toEqual({ sum: 2 });
  });

  it('of a killed daemon is replaced', async () => {
    path = join(dir, 's.sock');
    await leaveStaleSocket(path);
    await serve();
    await expect((await client()).call('add', { a: 1, b: 1 })).resolves.toEqual({ sum: 2 });
  });

  it('goes to exactly one of several daemons that start at once over a stale one', async () => {
    path = join(dir, 's.sock');
    await leaveStaleSocket(path);
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map(() => serveControl({ path, methods, logger: silentLogger })),
    );
    const winners = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(winners).toHaveLength(1);
    const refusals = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refusals.map((error: OffhookError) => error.code)).toEqual([
      'in-use',
      'in-use',
      'in-use',
    ]);
    await winners[0]?.close();
  });

  it('is not put in place of another kind of file', async () => {
    path = join(dir, 'control.sock');
    writeFileSync(path, 'precious');
    await expect(serve()).rejects.toMatchObject({ code: 'not-a-socket' });
    expect(statSync(path).size).toBe(8);
  });

  it('is not made where everybody can write', async () => {
    path = join(dir, 'control.sock');
    chmodSync(dir, 0o777);
    await expect(serve()).rejects.toMatchObject({ code: 'insecure-directory' });
    chmodSync(dir, 0o700);
  });

  it('must have a path that the system can take', async () => {
    path = join(dir, 'x'.repeat(107));
    const expected = { code: 'path-too-long', message: expect.stringContaining('107') };
    await expect(serve()).rejects.toMatchObject(expected);
    await expect(connectControl(path)).rejects.toMatchObject(expected);
  });
});

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await withDeadline({ layer: 'control', what: 'abort', ms: 5000 }, () => once(signal, 'abort'));
}

/** What a daemon leaves that had no time to clean up. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(existsSync(path)).toBe(true);
}
