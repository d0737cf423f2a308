import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { findTone } from '@offhook/common/audio';
import { connectMedia } from '@offhook/media-rpc';
import type { CodecName, MediaConnection, SrtpSuite } from '@offhook/media-rpc';
import { connectChannel, FrameWriter } from '@offhook/virtual-channel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineProcess } from '../support/engine-process.ts';

const ALICE_HZ = 440;
const BOB_HZ = 660;

let directory: string;
let alice: EngineProcess;
let bob: EngineProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-engine-'));
  [alice, bob] = await Promise.all([
    EngineProcess.start({
      directory,
      name: 'alice',
      input: `tone:${ALICE_HZ}`,
      ports: '21000-21199',
    }),
    EngineProcess.start({ directory, name: 'bob', input: `tone:${BOB_HZ}`, ports: '21200-21399' }),
  ]);
});

afterAll(async () => {
  await Promise.all([alice.end(), bob.end()]);
  await rm(directory, { recursive: true, force: true });
});

const origin = (version: number) => ({ username: '-', sessionId: '77', version });

/** Two guests, each with its engine, in one call. */
class Call {
  readonly id: string;
  readonly a: MediaConnection;
  readonly b: MediaConnection;
  #revision = 2;

  private constructor(id: string, a: MediaConnection, b: MediaConnection) {
    this.id = id;
    this.a = a;
    this.b = b;
  }

  static async open(id: string, options: object = {}): Promise<Call> {
    await Promise.all([alice.forget(), bob.forget()]);
    const [a, b] = await Promise.all([alice.connect(), bob.connect()]);
    const call = new Call(id, a, b);
    const step = { type: 'offer', direction: 'sendrecv', origin: origin(1) } as const;
    const offered = await a.call('session.open', { id, revision: 1, options, step });
    const answered = await b.call('session.open', {
      id,
      revision: 1,
      options,
      step: { type: 'answer', offer: offered.sdp, direction: 'sendrecv', origin: origin(1) },
    });
    const accept = { type: 'accept', answer: answered.sdp } as const;
    await a.call('session.update', { id, revision: 2, step: accept });
    return call;
  }

  /** A re-INVITE of Alice's side with another direction. */
  async offerAnew(direction: 'sendrecv' | 'sendonly'): Promise<void> {
    const { id } = this;
    const version = ++this.#revision;
    const offer = { type: 'offer', direction, origin: origin(version) } as const;
    const offered = await this.a.call('session.update', { id, revision: version, step: offer });
    const answered = await this.b.call('session.update', {
      id,
      revision: version,
      step: {
        type: 'answer',
        offer: offered.sdp ?? '',
        direction: 'sendrecv',
        origin: origin(version),
      },
    });
    const accept = { type: 'accept', answer: answered.sdp ?? '' } as const;
    await this.a.call('session.update', { id, revision: ++this.#revision, step: accept });
  }

  async close(): Promise<void> {
    for (const guest of [this.a, this.b]) {
      if (guest.closed) continue;
      await guest.call('session.close', { id: this.id });
      await guest.close();
    }
  }
}

async function bothHear(): Promise<void> {
  await Promise.all([alice.hears(BOB_HZ), bob.hears(ALICE_HZ)]);
}

describe('two engines in a call over real RTP', () => {
  it.each(['PCMA', 'PCMU', 'G722', 'opus'] as const)(
    'hear each other in %s',
    async (codec: CodecName) => {
      const call = await Call.open(`codec-${codec}`, { codecs: [codec] });
      await bothHear();
      expect(await call.a.call('session.get', { id: call.id })).toMatchObject({
        state: 'active',
        codec,
      });
      await call.close();
    },
  );

  it.each([
    'AES_CM_128_HMAC_SHA1_80',
    'AES_CM_128_HMAC_SHA1_32',
    'AES_256_CM_HMAC_SHA1_80',
  ] as const)('hear each other under SRTP with %s', async (suite: SrtpSuite) => {
    const options = { codecs: ['PCMA'], srtp: 'required', srtpSuites: [suite] };
    const call = await Call.open(`srtp-${suite}`, options);
    await bothHear();
    expect(await call.b.call('session.get', { id: call.id })).toMatchObject({ srtp: suite });
    await call.close();
  });

  it('count what they send and receive, and rate it', async () => {
    const call = await Call.open('stats');
    await bothHear();
    const stats = await call.a.call('session.stats', { id: call.id });
    expect(stats.tx.packets).toBeGreaterThan(10);
    expect(stats.rx.packets).toBeGreaterThan(10);
    expect(stats.rx.lossPct).toBe(0);
    expect(stats.mos).toBeGreaterThan(4);
    await call.close();
  });

  it('send silence on hold and the microphone again after it', async () => {
    const call = await Call.open('hold', { codecs: ['PCMA'] });
    await bothHear();
    await call.offerAnew('sendonly');
    const held = await bob.mark();
    await bob.plays(700, held);
    const { samples, sampleRate } = await bob.played(held + 0.2);
    expect(findTone({ samples, sampleRate }, ALICE_HZ).presentMs).toBe(0);
    expect(await call.b.call('session.get', { id: call.id })).toMatchObject({
      direction: 'recvonly',
      remoteDirection: 'sendonly',
    });
    await call.offerAnew('sendrecv');
    await bob.hears(ALICE_HZ, { from: await bob.mark() });
    await call.close();
  });

  it('hear keys pressed at the other end', async () => {
    const call = await Call.open('dtmf', { codecs: ['PCMU'] });
    await bothHear();
    const digits: string[] = [];
    const all = Promise.withResolvers<void>();
    call.b.on('session.dtmf', ({ digit }) => {
      digits.push(digit);
      if (digits.length === 4) all.resolve();
    });
    await call.a.call('session.dtmf', { id: call.id, command: 'one', digits: '19#A' });
    await all.promise;
    expect(digits.join('')).toBe('19#A');
    await call.close();
  });

  it('end the call of a person who hangs up at the thin client', async () => {
    const call = await Call.open('hangup');
    await bothHear();
    const told = Promise.withResolvers<string>();
    call.a.on('session.hangup', ({ id }) => told.resolve(id));
    expect(await alice.cli('mute')).toMatchObject({ code: 0 });
    const quiet = await bob.mark();
    await bob.plays(500, quiet + 0.2);
    const { samples, sampleRate } = await bob.played(quiet + 0.3);
    expect(findTone({ samples, sampleRate }, ALICE_HZ).presentMs).toBe(0);
    const unmute = call.a.call('session.mute', { id: call.id, muted: false });
    expect(await unmute).toMatchObject({ muted: false, locallyMuted: true });

    expect(await alice.cli('hangup')).toMatchObject({ code: 0, out: 'hangup hung up\n' });
    expect(await told.promise).toBe('hangup');
    expect(await call.a.call('session.get', { id: call.id })).toMatchObject({ state: 'closed' });
    expect((await alice.cli('calls', '--json')).out).toContain('"state":"closed"');
    await call.close();
    expect((await alice.cli('hangup')).code).toBe(4);
  });
});

/** A machine that is busy with other tests holds audio up for a moment; a restart takes far longer. */
const BUSY_MS = 200;

describe('an engine that is killed', () => {
  it('leaves the audio without a gap; the next one takes over and moves the call', async () => {
    const call = await Call.open('killed', { codecs: ['PCMA'], srtp: 'required' });
    await bothHear();
    const from = await bob.mark();
    const worker = await alice.workerPid();
    await alice.end('SIGKILL');
    await call.b.call('session.get', { id: call.id });
    await alice.run();
    expect(await alice.workerPid()).toBe(worker);

    const again = await alice.connect();
    const { sessions } = await again.call('snapshot', {});
    expect(sessions).toMatchObject([{ id: 'killed', revision: 2, state: 'active' }]);
    const report = await bob.hears(ALICE_HZ, { from: from + 0.05, ms: 1000 });
    expect(report.longestGapMs).toBeLessThan(BUSY_MS);

    // It knows the keys still: another offer and answer, and the sound goes on.
    const offer = { type: 'offer', direction: 'sendrecv', origin: origin(3) } as const;
    const { sdp = '' } = await again.call('session.update', {
      id: 'killed',
      revision: 3,
      step: offer,
    });
    const answered = await call.b.call('session.update', {
      id: 'killed',
      revision: 3,
      step: { type: 'answer', offer: sdp, direction: 'sendrecv', origin: origin(3) },
    });
    const accept = { type: 'accept', answer: answered.sdp ?? '' } as const;
    await again.call('session.update', { id: 'killed', revision: 4, step: accept });
    const after = await bob.hears(ALICE_HZ, { from: from + 0.05, ms: 1800 });
    expect(after.longestGapMs).toBeLessThan(BUSY_MS);
    // Not a packet was missing or came in another order.
    expect((await call.b.call('session.stats', { id: 'killed' })).rx.lost).toBe(0);
    await again.call('session.close', { id: 'killed' });
    await again.close();
    await call.close();
  });

  it('stops its worker when it is told to end instead', async () => {
    expect(await alice.end('SIGTERM')).toBe(0);
    await expect.poll(() => alice.workerPid(), { timeout: 5000 }).toBe(0);
    await alice.run();
  });
});

describe('a worker that is killed', () => {
  it('is started again, and the legs with it, on the same ports', async () => {
    const call = await Call.open('worker', { codecs: ['PCMA'] });
    await bothHear();
    const states: string[] = [];
    const back = Promise.withResolvers<void>();
    call.a.on('session.changed', ({ state }) => {
      states.push(state);
      if (state === 'active') back.resolve();
    });
    const before = await call.a.call('session.get', { id: call.id });
    const from = await bob.mark();
    process.kill(await alice.workerPid(), 'SIGKILL');
    await back.promise;
    expect(states).toEqual(['recovering', 'active']);
    const after = await call.a.call('session.get', { id: call.id });
    expect(after.local).toEqual(before.local);
    const report = await bob.hears(ALICE_HZ, { from: from + 0.05, ms: 1000 });
    // Target F5.
    expect(report.longestGapMs).toBeLessThan(300);
    await call.close();
  });
});

describe('doctor', () => {
  it('finds every layer in order while the engine runs, and hears its own tones', async () => {
    const { code, out } = await alice.cli('doctor', '--json');
    const { ok, checks } = JSON.parse(out);
    const failed = checks.filter(({ status }: { status: string }) => status === 'fail');
    expect({ code, ok, failed }).toEqual({ code: 0, ok: true, failed: [] });
    const found = Object.fromEntries(
      checks.map((check: { name: string; message: string }) => [check.name, check.message]),
    );
    expect(found['loop-back']).toContain('heard both ways');
    expect(found['engine']).toContain(`process ${alice.pid}`);
    expect(found['channel']).toContain('answers');
  });

  it('fails with the layer when the worker is missing, and goes on to the next check', async () => {
    const env = { OFFHOOK_WORKER: '/nowhere/offhook-worker' };
    const { code, out } = await alice.cliWith(env, 'doctor');
    expect(code).toBe(1);
    expect(out).toMatch(/^fail  worker   executable: \/nowhere/mu);
    expect(out).toMatch(/^ok    control  engine/mu);
  });
});

describe('an engine with a bad peer on its channel', () => {
  const raw = async (): Promise<Socket> => {
    const socket = createConnection(alice.socket);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return socket;
  };
  const residentKiB = async (pid: number) =>
    Number(/VmRSS:\s+(\d+)/u.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
  /** Writes as fast as it is taken, until the engine closes or everything is written. */
  const pour = async (socket: Socket, chunks: Iterable<Buffer>): Promise<void> => {
    const closed = once(socket, 'close');
    for (const chunk of chunks) {
      if (socket.destroyed) break;
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), closed]);
    }
    socket.destroy();
    await closed;
  };

  it('survives junk and a frame of 100 MB, and a call does not notice', async () => {
    const call = await Call.open('hostile', { codecs: ['PCMA'] });
    await bothHear();
    const from = await bob.mark();
    const before = await residentKiB(alice.pid);

    await pour(
      await raw(),
      Array.from({ length: 64 }, () => randomBytes(65_536)),
    );
    const megabyte = Buffer.alloc(1024 * 1024);
    const header = new FrameWriter().encode(Buffer.alloc(0));
    header.writeUInt32BE(100 * megabyte.length, 4);
    header.writeUInt32BE(crc32(header.subarray(0, 16)), 16);
    await pour(await raw(), [header, ...Array.from({ length: 100 }, () => megabyte)]);

    expect(await call.a.call('session.get', { id: 'hostile' })).toMatchObject({ state: 'active' });
    const report = await bob.hears(ALICE_HZ, { from: from + 0.05, ms: 800 });
    expect(report.longestGapMs).toBeLessThan(BUSY_MS);
    expect((await residentKiB(alice.pid)) - before).toBeLessThan(100 * 1024);
    await call.close();
  });

  it('refuses a guest of another version of the contract', async () => {
    const channel = await connectChannel(`unix:${alice.socket}`);
    const guest = connectMedia(channel, {
      instanceId: 'from-the-future',
      leaseMs: 0,
      protocol: { min: 98, max: 99 },
    });
    await expect(guest).rejects.toMatchObject({ layer: 'rpc', code: 'version-mismatch' });
  });

  it('says who has the state directory when a second one is started there', async () => {
    const { code, err } = await alice.cli('run');
    expect(code).toBe(1);
    expect(err).toContain('another process already serves');
  });
});
