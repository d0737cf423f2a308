import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { FrameReader, FrameWriter, listenChannel } from '@offhook/virtual-channel';
import { serveMedia, type MediaEngine } from '@offhook/media-rpc';
import { until, within } from '../infra/wait.ts';
import { z } from 'zod';
import { GuestProcess } from '../phone/guest-process.ts';
import { engineProgram } from '../phone/programs.ts';
import { ManagedProcess } from '../infra/process.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { hangUp, place, soundBothWays } from './steps.ts';

/** The handshake of the channel: each end echoes the other's nonce. */
async function greet(socket: Socket): Promise<void> {
  const writer = new FrameWriter();
  const nonce = randomBytes(16).toString('hex');
  const { promise: up, resolve } = Promise.withResolvers<void>();
  const hello = (echo?: string): void => {
    const protocol = { min: 1, max: 1 };
    const message = { link: 'hello', role: 'guest', protocol, nonce, instance: nonce, echo };
    socket.write(writer.encode(JSON.stringify(message)));
  };
  const reader = new FrameReader({
    onFrame: (frame) => {
      const theirs = z.looseObject({ nonce: z.string(), echo: z.string().optional() });
      const message = theirs.safeParse(JSON.parse(Buffer.from(frame).toString('utf8')));
      if (message.success) hello(message.data.nonce);
      if (message.data?.echo === nonce) resolve();
    },
    onDiscard: () => undefined,
  });
  socket.on('data', (chunk) => reader.push(chunk));
  hello();
  await within('the greeting of the engine', 3000, up);
  socket.removeAllListeners('data');
}

const HUNDRED_MEGABYTES = 100 * 1024 * 1024;

/** A phone of its own, whose engine is at that address, if anywhere. */
async function phoneWithEngineAt(stage: Stage, channel: string): Promise<GuestProcess> {
  return stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel,
      accounts: [
        { aor: 'sip:alice@example.test', register: false },
        { aor: 'sip:auto@example.test', register: false, auto_answer: true },
      ],
      signal: stage.signal,
    }),
  );
}

/** A caller is refused, whose dialling is told why. */
async function assertNoCalls(stage: Stage, guest: GuestProcess, why: RegExp): Promise<void> {
  await until(
    'the phone to say why it has no engine',
    async () => why.test((await guest.phone.call('status', {})).engine.text),
    {
      within: 8000,
      seen: () => 'see engine.text of its status',
    },
  );
  const { address } = stage.network;
  const sipp = await stage.calling('uac-refused.xml', {
    user: 'auto',
    remote: { address, port: guest.port },
    extra: ['-d', '50'],
  });
  await sipp.done();
  assert.equal(sipp.received('INVITE', 480).length, 1, sipp.summary());
  await assert.rejects(guest.phone.dial('sip:bob@127.0.0.1:9'), /engine/i);
}

export const engines = [
  ...scenario({
    id: 'engine-none',
    title: 'No engine: callers get 480, dialling says what is wrong',
    requirements: ['engine.none'],
    over: ['udp', 'tcp'],
    setting: { phone: 'none' },
    async run(stage) {
      const guest = await phoneWithEngineAt(stage, `unix:${join(stage.directory, 'nobody.sock')}`);
      await assertNoCalls(stage, guest, /not connected.*no such|nobody/i);
    },
  }),
  ...scenario({
    id: 'engine-other-version',
    title: 'An engine of another protocol version',
    requirements: ['engine.version'],
    setting: { phone: 'none' },
    async run(stage) {
      const address = `unix:${join(stage.directory, 'future.sock')}`;
      const listener = await listenChannel(address, {}, (channel) => {
        serveMedia(channel, {
          engine: () =>
            ({ handle: () => Promise.reject(new Error('no')) }) as unknown as MediaEngine,
          instanceId: 'future',
          protocol: { min: 98, max: 99 },
        });
      });
      stage.scope.use(listener);
      const guest = await phoneWithEngineAt(stage, address);
      await assertNoCalls(stage, guest, /version/i);
    },
  }),
  ...scenario({
    id: 'engine-huge-frame',
    title: 'A frame of 100 MB on the channel, while a call is up',
    requirements: ['engine.huge-frame'],
    setting: { engine: {} },
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      const heard = placed.far.capture.mark;
      for (const greet of [false, true]) {
        const closed = await pour(stage.engine.socketPath, HUNDRED_MEGABYTES, greet);
        assert.ok(
          closed,
          `the engine took 100 MB and left the connection open (greeted: ${greet})`,
        );
      }
      await placed.far.hears(440, { ms: 500, mark: heard, signal: stage.signal });
      const { lost, longestJumpMs } = placed.far.capture.continuity();
      assert.deepEqual({ lost, longestJumpMs }, { lost: 0, longestJumpMs: 0 });
      assert.equal((await stage.phone.call('status', {})).engine.state, 'connected');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'engine-bad-configuration',
    title: 'A broken configuration is told with file, line and key',
    requirements: ['engine.none'],
    setting: { phone: 'none' },
    async run(stage) {
      const { writeFile } = await import('node:fs/promises');
      const file = join(stage.directory, 'broken.toml');
      await writeFile(file, '[engine]\n\n[rtp]\nports = "40000"\n');
      const program = engineProgram(['run', '--config', file, '--state-dir', stage.directory]);
      const process = stage.scope.use(new ManagedProcess({ name: 'offhook-engine', ...program }));
      const { code } = await process.exited;
      assert.equal(code, 2, process.describe());
      assert.match(process.output, /broken\.toml:4\b.*ports/s);
    },
  }),
];

/**
 * Announces that much in one frame and sends it, as a stranger or as a guest that has greeted; true
 * when the other end has hung up.
 */
async function pour(path: string, bytes: number, asGuest: boolean): Promise<boolean> {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  if (asGuest) await greet(socket);
  // Unread bytes would keep the end from being seen.
  socket.resume();
  const frame = new FrameWriter({ maxPayload: bytes }).encode(new Uint8Array(bytes));
  const CHUNK = 1024 * 1024;
  for (let at = 0; at < frame.length && !socket.closed; at += CHUNK) {
    const part = frame.subarray(at, at + CHUNK);
    if (socket.write(part)) continue;
    const either = new AbortController();
    const { signal } = either;
    await Promise.race([
      once(socket, 'drain', { signal }),
      once(socket, 'close', { signal }),
    ]).catch(() => undefined);
    either.abort();
  }
  await until('the engine to hang up', () => socket.closed, { within: 6000 }).catch(
    () => undefined,
  );
  const { closed } = socket;
  socket.destroy();
  return closed;
}
