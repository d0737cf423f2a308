import { crc32 } from 'node:zlib';
import { ManualClock, OffhookError, silentLogger, type Logger } from '@offhook/common';
import { createMemoryPair, FrameReader, FrameWriter, type Channel } from '@offhook/virtual-channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Link, type LinkOptions, type LinkPeer } from '../src/link.ts';

let clock: ManualClock;
let pair: ReturnType<typeof createMemoryPair>;
const links: Link[] = [];

beforeEach(() => {
  clock = new ManualClock();
  pair = createMemoryPair({ clock });
});

afterEach(async () => {
  pair.thaw();
  const closing = Promise.all(links.splice(0).map((link) => link.close()));
  await clock.advance(2000);
  await closing;
  pair.left.destroy();
  pair.right.destroy();
  await clock.advance(0);
  if (clock.pending > 0) throw new Error(`${clock.pending} timers are left over`);
});

/** A link that writes down what it tells. */
class Recorded {
  readonly link: Link;
  readonly log: string[] = [];
  readonly messages: unknown[] = [];
  readonly downs: (Error | undefined)[] = [];
  peer: LinkPeer | undefined;

  constructor(channel: Channel, role: 'guest' | 'engine', options: Partial<LinkOptions> = {}) {
    this.link = new Link(channel, {
      role,
      instanceId: `${role}-1`,
      leaseMs: (asked) => (role === 'guest' ? 30_000 : Math.min(asked ?? 0, 10_000)),
      clock,
      logger: silentLogger,
      ...options,
    });
    links.push(this.link);
    this.link.on('up', (peer) => {
      this.peer = peer;
      this.log.push('up');
    });
    this.link.on('message', (message) => {
      this.messages.push(message);
      this.log.push('message');
    });
    this.link.on('down', (error) => {
      this.downs.push(error);
      this.log.push(`down ${error instanceof OffhookError ? error.code : String(error)}`);
    });
  }
}

async function twoLinks(options: Partial<LinkOptions> = {}) {
  const guest = new Recorded(pair.left, 'guest', options);
  const engine = new Recorded(pair.right, 'engine', options);
  await clock.advance(0);
  expect([guest.log, engine.log]).toEqual([['up'], ['up']]);
  return { guest, engine };
}

/** The other end, by hand: what the link writes, and frames as we like them. */
class Wire {
  readonly frames: Record<string, unknown>[] = [];
  readonly #channel: Channel;
  readonly #writer = new FrameWriter();
  writes = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
    const reader = new FrameReader({
      onFrame: (payload) => this.frames.push(JSON.parse(payload.toString('utf8'))),
    });
    channel.on('data', (chunk) => {
      this.writes++;
      reader.push(chunk);
    });
  }

  get nonce(): string {
    return String(this.frames.findLast(({ link }) => link === 'hello')?.['nonce']);
  }

  send(message: object): void {
    this.#channel.write(this.#writer.encode(JSON.stringify(message)));
  }

  raw(bytes: Uint8Array): void {
    this.#channel.write(bytes);
  }

  hello(nonce: string, echo?: string, change: object = {}): void {
    this.send({
      link: 'hello',
      role: 'engine',
      protocol: { min: 1, max: 1 },
      nonce: nonce.repeat(32),
      ...(echo === undefined ? {} : { echo }),
      instance: 'engine-by-hand',
      capabilities: [],
      leaseMs: 1,
      ...change,
    });
  }
}

/** A guest's link that is up with us as the engine. */
async function byHand(options: Partial<LinkOptions> = {}) {
  const wire = new Wire(pair.right);
  const guest = new Recorded(pair.left, 'guest', options);
  await clock.advance(0);
  wire.hello('b', wire.nonce);
  await clock.advance(0);
  expect(guest.log).toEqual(['up']);
  return { guest, wire };
}

describe('coming up', () => {
  it('tells each end who the other is, the version, and the lease', async () => {
    const { guest, engine } = await twoLinks({ capabilities: ['x'] });
    expect(guest.peer).toEqual({
      instanceId: 'engine-1',
      capabilities: ['x'],
      version: 1,
      leaseMs: 10_000,
    });
    expect(engine.peer).toMatchObject({ instanceId: 'guest-1', leaseMs: 30_000 });
  });

  it('takes whichever end is there first', async () => {
    const guest = new Recorded(pair.left, 'guest');
    await clock.advance(3000);
    const engine = new Recorded(pair.right, 'engine');
    await clock.advance(0);
    expect([guest.log, engine.log]).toEqual([['up'], ['up']]);
  });

  it('sends HELLO again while nobody answers', async () => {
    const wire = new Wire(pair.right);
    const guest = new Recorded(pair.left, 'guest');
    await clock.advance(4000);
    expect(wire.frames.length).toBeGreaterThan(3);
    expect(wire.frames.length).toBeLessThan(10);
    wire.hello('b', wire.nonce);
    await clock.advance(0);
    expect(guest.log).toEqual(['up']);
  });

  it('gives up at its deadline, and closes the channel', async () => {
    const guest = new Recorded(pair.left, 'guest');
    await clock.advance(4999);
    expect(guest.log).toEqual([]);
    await clock.advance(1);
    expect(guest.log).toEqual(['down handshake-timeout']);
    expect(guest.downs[0]?.message).toContain('no engine has answered');
    expect(pair.left.closed).toBe(true);
  });

  it('waits for ever where it is told to', async () => {
    const guest = new Recorded(pair.left, 'guest', { handshakeMs: Number.POSITIVE_INFINITY });
    await clock.advance(3_600_000);
    expect(guest.log).toEqual([]);
    // Nor does it fill a channel that nobody reads.
    expect(pair.left.buffered).toBeLessThan(2000);
  });

  it('throws away what comes before the echo of its own nonce', async () => {
    const wire = new Wire(pair.right);
    // Left over from an engine that talked to an earlier guest.
    wire.send({ jsonrpc: '2.0', id: 1, result: {} });
    wire.hello('d', 'e'.repeat(32));
    wire.send({ link: 'bye', echo: 'e'.repeat(32) });
    wire.send({ jsonrpc: '2.0', method: 'session.hangup', params: { id: 's' } });
    wire.raw(new FrameWriter().encode('{"half').subarray(0, 24));
    const guest = new Recorded(pair.left, 'guest');
    await clock.advance(0);
    expect(guest.log).toEqual([]);
    wire.hello('b', wire.nonce);
    wire.send({ jsonrpc: '2.0', method: 'fresh' });
    await clock.advance(0);
    expect(guest.log).toEqual(['up', 'message']);
    expect(guest.messages).toEqual([{ jsonrpc: '2.0', method: 'fresh' }]);
  });

  it('does not take its own words on a looped-back port for a peer', async () => {
    pair.right.on('data', (chunk) => pair.right.write(Uint8Array.from(chunk)));
    const guest = new Recorded(pair.left, 'guest');
    await clock.advance(5000);
    expect(guest.log).toEqual(['down handshake-timeout']);
  });

  it('names both ranges when there is no common version, at both ends', async () => {
    const guest = new Recorded(pair.left, 'guest', { protocol: { min: 1, max: 2 } });
    const engine = new Recorded(pair.right, 'engine', { protocol: { min: 3, max: 3 } });
    await clock.advance(0);
    expect(guest.downs[0]).toMatchObject({
      layer: 'rpc',
      code: 'version-mismatch',
      message: 'no common version of the media protocol: the guest speaks 1-2, the engine 3',
      remedy: 'update the guest',
    });
    expect(engine.downs[0]).toMatchObject({
      code: 'version-mismatch',
      message: 'no common version of the media protocol: the engine speaks 3, the guest 1-2',
      remedy: 'update the guest',
    });
    expect(pair.left.closed && pair.right.closed).toBe(true);
  });

  it('settles on the highest version that both speak', async () => {
    const guest = new Recorded(pair.left, 'guest', { protocol: { min: 1, max: 4 } });
    const engine = new Recorded(pair.right, 'engine', { protocol: { min: 2, max: 3 } });
    await clock.advance(0);
    expect([guest.peer?.version, engine.peer?.version]).toEqual([3, 3]);
  });

  it('refuses another guest at the other end', async () => {
    const one = new Recorded(pair.left, 'guest');
    const other = new Recorded(pair.right, 'guest');
    await clock.advance(0);
    expect([one.log, other.log]).toEqual([['down wrong-role'], ['down wrong-role']]);
  });
});

describe('messages', () => {
  it('go both ways in order', async () => {
    const { guest, engine } = await twoLinks();
    for (let id = 0; id < 100; id++) {
      expect(guest.link.send({ id })).toBe(true);
      expect(engine.link.send({ id: -id })).toBe(true);
    }
    await clock.advance(0);
    expect(engine.messages).toEqual(Array.from({ length: 100 }, (_, id) => ({ id })));
    expect(guest.messages).toHaveLength(100);
  });

  it('of one turn leave in one write', async () => {
    const { guest, wire } = await byHand();
    wire.writes = 0;
    for (let id = 0; id < 10; id++) guest.link.send({ id });
    await clock.advance(0);
    expect(wire.writes).toBe(1);
    expect(wire.frames.slice(-10)).toEqual(Array.from({ length: 10 }, (_, id) => ({ id })));
  });

  it('are not sent before the link is up, nor after', async () => {
    const guest = new Recorded(pair.left, 'guest');
    expect(guest.link.send({ early: true })).toBe(false);
    const engine = new Recorded(pair.right, 'engine');
    await clock.advance(0);
    await guest.link.close();
    expect(guest.link.send({ late: true })).toBe(false);
    expect(engine.messages).toEqual([]);
  });

  it('that are droppable are dropped while the channel is over its high-water mark', async () => {
    const { guest, engine } = await twoLinks();
    pair.right.pause();
    guest.link.send({ bulk: 'x'.repeat(100_000) });
    await clock.advance(0);
    expect(guest.link.send({ level: 1 }, true)).toBe(false);
    expect(guest.link.send({ state: 1 })).toBe(true);
    pair.right.resume();
    await clock.advance(0);
    expect(guest.link.send({ level: 2 }, true)).toBe(true);
    await clock.advance(0);
    expect(engine.messages.slice(1)).toEqual([{ state: 1 }, { level: 2 }]);
  });

  it('that are droppable are dropped when the peer has not acknowledged many before', async () => {
    const { guest, wire } = await byHand({ silenceMs: 60_000 });
    let sent = 0;
    while (sent < 5000 && guest.link.send({ level: sent }, true)) sent++;
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(1000);
    await clock.advance(0);
    wire.send({ link: 'beat', sent: 0, got: sent });
    await clock.advance(0);
    expect(guest.link.send({ level: 0 }, true)).toBe(true);
  });

  it('end the link when a megabyte of them waits', async () => {
    const { guest, engine } = await twoLinks();
    pair.right.pause();
    for (let round = 0; round < 20 && guest.link.up; round++) {
      guest.link.send({ bulk: 'x'.repeat(100_000) });
      await clock.advance(0);
    }
    expect(guest.log.at(-1)).toBe('down send-queue-full');
    expect(pair.left.closed).toBe(true);
    pair.right.resume();
    await clock.advance(0);
    expect(engine.log.at(-1)).toBe('down closed');
  });

  it('over the limit of a frame are refused, and the link lives', async () => {
    const { guest, engine } = await twoLinks();
    expect(() => guest.link.send({ bulk: 'x'.repeat(1024 * 1024) })).toThrow(
      expect.objectContaining({ code: 'frame-too-large' }),
    );
    guest.link.send({ small: 1 });
    await clock.advance(2000);
    expect(engine.messages).toEqual([{ small: 1 }]);
    expect(engine.link.up).toBe(true);
  });
});

describe('a peer', () => {
  it('that lives is not taken for dead, however little is said', async () => {
    const { guest, engine } = await twoLinks();
    await clock.advance(600_000);
    expect([guest.link.up, engine.link.up]).toEqual([true, true]);
  });

  it('that is frozen is noticed within 5 s, at both ends', async () => {
    const { guest, engine } = await twoLinks();
    await clock.advance(10_000);
    pair.freeze();
    await clock.advance(5000);
    expect([guest.log, engine.log]).toEqual([
      ['up', 'down silent'],
      ['up', 'down silent'],
    ]);
    expect(guest.downs[0]).toMatchObject({ layer: 'channel', code: 'silent' });
    expect(pair.left.closed).toBe(true);
  });

  it('is not taken for dead by a process that itself stood still', async () => {
    let stall = 0;
    const stalled = {
      now: () => clock.now() + stall,
      wall: () => clock.wall(),
      after: (ms: number, fn: () => void) => clock.after(ms, fn),
    };
    const { guest, wire } = await byHand({ clock: stalled });
    // 30 s pass for the process in no time, as when its machine was paused; the engine's signs of
    // life are read only after the timers have run.
    stall = 30_000;
    await clock.advance(4000);
    expect(guest.log).toEqual(['up']);
    wire.send({ link: 'beat', sent: 0, got: 0 });
    await clock.advance(1000);
    expect(guest.log).toEqual(['up']);
    await clock.advance(5000);
    expect(guest.log).toEqual(['up', 'down silent']);
  });

  it('that leaves in good order is gone at once, without a reason', async () => {
    const { guest, engine } = await twoLinks();
    await guest.link.close();
    await clock.advance(0);
    expect(engine.downs).toEqual([undefined]);
    expect(guest.downs).toEqual([undefined]);
    expect(pair.right.closed).toBe(true);
  });

  it('that closes the channel is gone with a reason', async () => {
    const { guest } = await byHand();
    pair.right.destroy();
    await clock.advance(0);
    expect(guest.downs[0]).toMatchObject({ layer: 'channel', code: 'closed' });
  });

  it('that was started again behind an open channel is greeted anew', async () => {
    const { guest, wire } = await byHand();
    const before = wire.nonce;
    wire.hello('c');
    await clock.advance(0);
    expect(guest.log).toEqual(['up', 'down peer-restarted']);
    expect(wire.nonce).not.toBe(before);
    expect(wire.frames.at(-1)).toMatchObject({ link: 'hello', echo: 'c'.repeat(32) });
    wire.send({ old: 'words' });
    wire.hello('c', wire.nonce, { instance: 'engine-second-life' });
    await clock.advance(0);
    expect(guest.log).toEqual(['up', 'down peer-restarted', 'up']);
    expect(guest.peer?.instanceId).toBe('engine-second-life');
    expect(guest.messages).toEqual([]);
  });

  it('that greets anew and then falls silent runs into the deadline of the handshake', async () => {
    const { guest, wire } = await byHand();
    wire.hello('c');
    await clock.advance(5000);
    expect(guest.log).toEqual(['up', 'down peer-restarted', 'down handshake-timeout']);
  });

  it('can be replaced on the same channel by another one, as often as it likes', async () => {
    const engine = new Recorded(pair.right, 'engine');
    for (let life = 1; life <= 5; life++) {
      const guest = new Recorded(pair.left, 'guest', { instanceId: `guest-${life}` });
      await clock.advance(0);
      expect(engine.peer?.instanceId).toBe(`guest-${life}`);
      guest.link.send({ life });
      await clock.advance(0);
      expect(engine.messages.at(-1)).toEqual({ life });
      guest.link.detach();
    }
    expect(engine.downs.map((error) => error instanceof OffhookError && error.code)).toEqual(
      Array.from({ length: 4 }, () => 'peer-restarted'),
    );
  });
});

describe('loss on the channel', () => {
  it('of a whole message is noticed by the next sign of life, and both ends begin again', async () => {
    const { guest, wire } = await byHand();
    const before = wire.nonce;
    wire.send({ link: 'beat', sent: 1, got: 0 });
    await clock.advance(0);
    expect(guest.log).toEqual(['up', 'down bytes-lost']);
    expect(wire.nonce).not.toBe(before);
    wire.hello('f', wire.nonce);
    await clock.advance(0);
    expect(guest.log.at(-1)).toBe('up');
  });

  it('in the middle of a frame is noticed at the next one', async () => {
    const { guest, wire } = await byHand();
    wire.raw(new FrameWriter().encode(JSON.stringify({ lost: 'words' })).subarray(0, 30));
    wire.send({ kept: 1 });
    await clock.advance(0);
    expect(guest.log).toEqual(['up', 'down bytes-lost']);
    expect(guest.messages).toEqual([]);
  });

  it('brings two links up again, and nothing gets through twice', async () => {
    const { guest, engine } = await twoLinks();
    guest.link.send({ n: 1 });
    await clock.advance(0);
    pair.left.write(Buffer.from('not ours'));
    guest.link.send({ n: 2 });
    await clock.advance(0);
    expect(engine.log).toEqual(['up', 'message', 'down bytes-lost', 'up']);
    expect(guest.log).toEqual(['up', 'down peer-restarted', 'up']);
    guest.link.send({ n: 3 });
    await clock.advance(5000);
    expect(engine.messages).toEqual([{ n: 1 }, { n: 3 }]);
    // Each life counts its messages anew.
    expect(engine.log).toEqual(['up', 'message', 'down bytes-lost', 'up', 'message']);
    expect(guest.log).toEqual(['up', 'down peer-restarted', 'up']);
  });
});

describe('bad input', () => {
  it('of 100 MB is refused with its name, and the peer is told', async () => {
    const { guest, wire } = await byHand();
    wire.raw(announced(100 * 1024 * 1024));
    await clock.advance(0);
    expect(guest.downs[0]).toMatchObject({ layer: 'rpc', code: 'frame-too-large' });
    expect(wire.frames.at(-1)).toMatchObject({
      link: 'bye',
      reason: { code: 'frame-too-large' },
    });
    expect(pair.left.closed).toBe(true);
  });

  it('in a frame is passed over, and told in the log', async () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, text) => warnings.push(text) };
    const { guest, wire } = await byHand({ logger });
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '42',
      '{"link":"hullo"}',
      '{"link":"beat","sent":-1}',
    ]) {
      wire.raw(new FrameWriter().encode(text));
    }
    wire.raw(new FrameWriter().encode(Buffer.of(0xc3, 0x28)));
    await clock.advance(0);
    expect(guest.log.filter((line) => line.startsWith('down'))).toEqual([]);
    expect(warnings.length).toBeGreaterThanOrEqual(4);
  });
});

it('A peer that sends nothing but junk is cut off', async () => {
  const { guest, wire } = await byHand();
  for (let round = 0; round < 101; round++) wire.raw(new FrameWriter().encode('{'));
  await clock.advance(0);
  expect(guest.downs[0]).toMatchObject({ layer: 'rpc', code: 'malformed-messages' });
});

/** The header of a frame that says how long it will be. */
function announced(length: number): Buffer {
  const header = new FrameWriter().encode('').subarray(0, 20);
  header.writeUInt32BE(length, 4);
  header.writeUInt32BE(crc32(header.subarray(0, 16)), 16);
  return header;
}
