import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RtpPeer } from './rtp-peer.ts';
import { legConfig, openPlane, openSockets, rawWorker, workerPid } from './test-plane.ts';

async function client(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Whether by an end or a reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

async function answer(path: string, line: string | Buffer): Promise<string> {
  const socket = await client(path);
  socket.write(line);
  socket.write('\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return data.toString();
}

describe("the worker's control socket", () => {
  it('is for this user only', async () => {
    await using here = await openPlane();
    expect(statSync(here.socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(`${here.socketPath}.counters`).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['text', 'hello'],
    ['no object', '[1,2]'],
    ['no verb', '{"id":1}'],
    ['a verb of another type', '{"id":1,"verb":7}'],
    ['an unknown verb', '{"id":1,"verb":"explode"}'],
    ['parameters of another type', '{"id":1,"verb":"port.open","params":[]}'],
    [
      'parameters out of range',
      '{"id":1,"verb":"port.open","params":{"id":"x","address":"127.0.0.1","from":0,"to":99999}}',
    ],
    [
      'an address that is none',
      '{"id":1,"verb":"port.open","params":{"id":"x","address":"nowhere","from":2000,"to":3000}}',
    ],
    [
      'a pipeline that is none',
      '{"id":1,"verb":"pipeline.play","params":{"id":"x","description":"!!!"}}',
    ],
    [
      'an element that is none',
      '{"id":1,"verb":"pipeline.play","params":{"id":"x","description":"nosuch ! fakesink"}}',
    ],
    [
      'a probe that is none',
      '{"id":1,"verb":"pipeline.play","params":{"id":"x","description":"offhooksrc name=s ! fakesink","probes":[{"kind":"magic","element":"s","pad":"src"}]}}',
    ],
    [
      'a property that is none',
      '{"id":1,"verb":"pipeline.set","params":{"id":"x","element":"y","property":"z","value":"1"}}',
    ],
    ['deep nesting', '['.repeat(100_000)],
    [
      'deep nesting of a value',
      `{"id":1,"verb":"hello","params":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`,
    ],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d])],
    ['a number that is none', '{"id":1e999,"verb":"lease","params":{"ms":1e999}}'],
  ])('answers %s with an error', async (_what, line) => {
    await using here = await openPlane();
    expect(await answer(here.socketPath, line)).toContain('"error"');
  });

  it('drops a client that sends an endless line or does not read, and plays on', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    const pid = await workerPid(here.socketPath);
    const endless = await client(here.socketPath);
    const gone = closed(endless);
    endless.resume();
    const chunk = Buffer.alloc(65_536, 'x');
    for (let at = 0; at < 20; at++) endless.write(chunk);
    await gone;
    const deaf = await client(here.socketPath);
    deaf.pause();
    const ended = closed(deaf);
    const line = `${JSON.stringify({ id: 1, verb: 'x'.repeat(60_000) })}\n`;
    const pump = setInterval(() => {
      if (deaf.writableLength < 1 << 22) deaf.write(line.repeat(20));
    }, 5);
    await ended;
    clearInterval(pump);
    expect(await workerPid(here.socketPath)).toBe(pid);
    expect((await here.plane.stats('a')).tx.packets).toBeGreaterThan(0);
  });

  it('outlives random bytes and mangled requests', async () => {
    await using here = await openPlane();
    const pid = await workerPid(here.socketPath);
    const good = '{"id":1,"verb":"port.set","params":{"id":"rtp-1","tx":{"clockRate":8000}}}';
    const socket = await client(here.socketPath);
    socket.resume();
    for (let round = 0; round < 2000; round++) {
      const line = Buffer.from(good);
      line[round % line.length] = randomBytes(1)[0] ?? 0;
      socket.write(round % 4 === 0 ? randomBytes(50) : line);
      socket.write('\n');
    }
    const worker = await rawWorker(here.socketPath);
    await expect(worker.request('list')).resolves.toBeDefined();
    worker.close();
    socket.destroy();
    expect(await workerPid(here.socketPath)).toBe(pid);
  });
});
