import { ManualClock, OffhookError } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import { testChannel } from '../src/conformance.ts';
import { createMemoryPair, FrameWriter, type Channel } from '../src/index.ts';
import { encodeHello } from '../src/mux/frames.ts';
import { Mux } from '../src/mux/index.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

testChannel({
  name: 'stream of a multiplexer',
  async open({ clock, maxBuffered }, use) {
    const { left, right } = createMemoryPair({ clock });
    const opener = new Mux(left, { clock, maxBuffered });
    const here = Promise.withResolvers<Channel>();
    const acceptor = new Mux(right, {
      clock,
      maxBuffered,
      services: {
        media: (stream) => void here.promise.then((own) => use({ left: own, right: stream })),
      },
    });
    opener.on('up', () => here.resolve(opener.open('media')));
    await settled();
    if (!acceptor.up) throw new Error('the streams have no carrier');
  },
});

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Two ends; what one writes can be tampered with on its way. */
async function pair(options: { maxStreams?: number } = {}) {
  const clock = new ManualClock();
  let tamper = (bytes: Uint8Array): readonly Uint8Array[] => [bytes];
  const memory = createMemoryPair({ clock, split: (bytes) => tamper(bytes) });
  const taken: Channel[] = [];
  const heard: string[] = [];
  const make = (): Mux => new Mux(memory.left, { clock, maxStreams: 100 });
  const acceptor = new Mux(memory.right, {
    clock,
    ...options,
    services: {
      media: (stream) => {
        taken.push(stream);
        stream.on('data', (chunk) => heard.push(Buffer.from(chunk).toString()));
      },
    },
  });
  const opener = make();
  cleanups.push(() => memory.left.destroy());
  await settled();
  return {
    clock,
    memory,
    opener,
    acceptor,
    taken,
    heard,
    tamper: (with_: typeof tamper) => (tamper = with_),
  };
}

function closing(channel: Channel): Promise<Error | undefined> {
  return new Promise((resolve) => channel.on('close', resolve));
}

const text = (words: string) => Buffer.from(words);

describe('multiplexer', () => {
  it('keeps the streams of several applications apart', async () => {
    const { opener, taken, heard } = await pair();
    const [one, two] = [opener.open('media'), opener.open('media')];
    one.write(text('from one'));
    two.write(text('from two'));
    await settled();
    expect(heard).toEqual(['from one', 'from two']);
    const back: string[] = [];
    two.on('data', (chunk) => back.push(Buffer.from(chunk).toString()));
    taken[1]?.write(text('to two'));
    await settled();
    expect(back).toEqual(['to two']);
    await one.close();
    two.write(text('still there'));
    await settled();
    expect(heard.at(-1)).toBe('still there');
    expect(taken[0]?.closed).toBe(true);
  });

  it('lets one stream flow while another is not read', async () => {
    const { opener, taken, heard } = await pair();
    const [stuck, free] = [opener.open('media'), opener.open('media')];
    await settled();
    taken[0]?.pause();
    while (stuck.write(Buffer.alloc(16 * 1024))) await settled();
    heard.length = 0;
    free.write(text('past it'));
    await settled();
    expect(heard).toEqual(['past it']);
    expect(stuck.buffered).toBeGreaterThan(0);
  });

  it('refuses a service that is not there, and streams above the limit, by name', async () => {
    const { opener } = await pair({ maxStreams: 1 });
    expect(await closing(opener.open('printer'))).toMatchObject({ code: 'unknown-service' });
    expect(await closing(opener.open('constructor'))).toMatchObject({ code: 'unknown-service' });
    const first = opener.open('media');
    expect(await closing(opener.open('media'))).toMatchObject({ code: 'too-many-streams' });
    expect(first.closed).toBe(false);
    expect(() => opener.open('No Name')).toThrow(OffhookError);
  });

  it('closes all streams when bytes are lost, and begins anew', async () => {
    const { opener, tamper, heard } = await pair();
    const reasons = [opener.open('media'), opener.open('media')].map(closing);
    const downs: string[] = [];
    opener.on('down', ({ code }) => downs.push(code));
    await settled();
    const stream = opener.open('media');
    tamper(() => []);
    stream.write(text('never arrives'));
    tamper((bytes) => [bytes]);
    stream.write(text('shows that'));
    await settled();
    expect(await Promise.all(reasons)).toMatchObject([
      { code: 'peer-restarted' },
      { code: 'peer-restarted' },
    ]);
    expect(downs).toEqual(['peer-restarted']);
    expect(heard).toEqual([]);
    expect(opener.up).toBe(true);
    opener.open('media').write(text('anew'));
    await settled();
    expect(heard).toEqual(['anew']);
  });

  it('throws away what an earlier peer had sent, be it in the middle of a frame', async () => {
    const clock = new ManualClock();
    const first = createMemoryPair({ clock });
    const stale: Uint8Array[] = [];
    first.right.on('data', (chunk) => stale.push(Uint8Array.from(chunk)));
    const old = new Mux(first.left, { clock });
    await clock.advance(1000);
    expect(old.up).toBe(false);
    first.left.destroy();

    const { left, right } = createMemoryPair({ clock });
    const heard: string[] = [];
    const services = {
      media: (stream: Channel) => {
        stream.on('data', (chunk) => heard.push(Buffer.from(chunk).toString()));
      },
    };
    for (const bytes of stale) left.write(bytes);
    left.write((stale[0] ?? Buffer.alloc(0)).subarray(0, 30));
    const opener = new Mux(left, { clock });
    const acceptor = new Mux(right, { clock, services });
    await settled();
    expect([opener.up, acceptor.up]).toEqual([true, true]);
    opener.open('media').write(text('fresh'));
    await settled();
    expect(heard).toEqual(['fresh']);
    left.destroy();
    await settled();
  });

  it('notices that the other end started anew on the same channel', async () => {
    const { memory, acceptor, opener } = await pair();
    const reason = closing(opener.open('media'));
    const downs: string[] = [];
    acceptor.on('down', ({ code }) => downs.push(code));
    await settled();
    // What the successor of the opener's process would say first.
    memory.left.write(new FrameWriter().encode(encodeHello('5e'.repeat(16), undefined)));
    await settled();
    expect(downs).toContain('peer-restarted');
    expect(await reason).toMatchObject({ code: 'peer-restarted' });
    expect([opener.up, acceptor.up]).toEqual([true, true]);
  });

  it('says hello again until it is heard, and lets nothing pile up', async () => {
    const clock = new ManualClock();
    const { left, right } = createMemoryPair({ clock });
    const mux = new Mux(left, { clock });
    await clock.advance(60_000);
    expect(left.buffered).toBeLessThan(100);
    expect(() => mux.open('media')).toThrow(/not there/u);
    const other = new Mux(right, { clock });
    await settled();
    expect([mux.up, other.up]).toEqual([true, true]);
    left.destroy();
    await settled();
    expect(mux.up).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('closes its streams with the reason when the channel goes', async () => {
    const { memory, opener } = await pair();
    const reason = closing(opener.open('media'));
    memory.left.destroy(new OffhookError('channel', 'guest-closed', 'gone'));
    expect(await reason).toMatchObject({ code: 'guest-closed' });
    expect(opener.streams).toBe(0);
    expect(() => opener.open('media')).toThrow(/not there/u);
  });
});
