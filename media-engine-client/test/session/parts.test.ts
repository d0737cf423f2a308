import { ManualClock } from '@offhook/common';
import { mediaOptions } from '@offhook/media-rpc';
import { describe, expect, it, vi } from 'vitest';
import { defineEngineConfig } from '../../src/config.ts';
import { DtmfCommands } from '../../src/session/dtmf-commands.ts';
import { Guests } from '../../src/session/guests.ts';
import { KeyedQueue } from '../../src/session/keyed-queue.ts';
import { advance, newSession } from '../../src/session/machine.ts';
import { readRecord, writeRecord } from '../../src/session/record.ts';
import { SilenceWatch } from '../../src/session/silence-watch.ts';
import { local, peerSdp } from '../sdp/support.ts';

describe('a queue by key', () => {
  it('runs work of one key in turn, and goes on after a failure', async () => {
    const queue = new KeyedQueue();
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const one = queue.run('a', async () => {
      await first.promise;
      order.push('one');
      throw new Error('failed');
    });
    const two = queue.run('a', async () => void order.push('two'));
    await queue.run('b', async () => void order.push('other'));
    first.resolve();
    await expect(one).rejects.toThrowError('failed');
    await two;
    expect(order).toEqual(['other', 'one', 'two']);
    expect(queue.size).toBe(0);
  });
});

describe('digits of a command', () => {
  it('are sent again only when they could not be sent', async () => {
    const commands = new DtmfCommands();
    const send = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('no worker'));
    await expect(commands.once('c', send)).rejects.toThrowError('no worker');
    await commands.once('c', send);
    await commands.once('c', send);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('are remembered for the last few commands', async () => {
    const commands = new DtmfCommands();
    const send = vi.fn<() => Promise<void>>().mockResolvedValue(undefined);
    for (let n = 0; n < 40; n++) await commands.once(`c${n}`, send);
    await commands.once('c39', send);
    expect(send).toHaveBeenCalledTimes(40);
    await commands.once('c0', send);
    expect(send).toHaveBeenCalledTimes(41);
  });
});

describe('silence of the peer', () => {
  const at = (now: number, lastPacketAt?: number, expected = true) => ({
    now,
    expected,
    lastPacketAt,
    timeoutMs: 5000,
  });

  it('is told once, with its length, and its end once', () => {
    const watch = new SilenceWatch();
    const told = [0, 4000, 5000, 9000].map((now) => watch.check(at(now)));
    expect(told).toEqual([undefined, undefined, 5000, undefined]);
    expect(watch.check(at(10_000, 9900))).toBe(0);
    expect(watch.check(at(11_000, 10_900))).toBeUndefined();
    expect(watch.check(at(16_000, 10_900))).toBe(5100);
  });

  it('is none on hold, and begins anew after it', () => {
    const watch = new SilenceWatch();
    watch.check(at(0));
    expect(watch.check(at(6000))).toBe(6000);
    expect(watch.check(at(7000, undefined, false))).toBe(0);
    expect(watch.check(at(60_000, undefined, false))).toBeUndefined();
    expect(watch.check(at(61_000, 5))).toBeUndefined();
    expect(watch.check(at(66_000, 5))).toBe(5000);
  });
});

describe('guests', () => {
  const guests = (
    onLeaseEnd: (instance: string) => void,
    policy: object = {},
    hasSessions: (instance: string) => boolean = () => true,
  ) => {
    const clock = new ManualClock();
    const config = defineEngineConfig({ policy });
    return { clock, guests: new Guests({ policy: config.policy, clock, onLeaseEnd, hasSessions }) };
  };
  const alice = { instance: 'alice', local: true };

  it('have the lease of the policy until they ask for another, within the most allowed', () => {
    const { guests: all } = guests(() => undefined, { lease: 30, max_lease: 100 });
    all.connect(alice);
    expect(all.leaseMs('alice')).toBe(30_000);
    expect(all.setLease('alice', 50_000)).toBe(50_000);
    expect(all.setLease('alice', 200_000)).toBe(100_000);
    expect(all.leaseMs('alice')).toBe(100_000);
    expect(all.grant(undefined)).toBe(30_000);
  });

  it('lose their sessions when the lease ends, and only then', async () => {
    const ended: string[] = [];
    const { clock, guests: all } = guests((instance) => ended.push(instance), { lease: 10 });
    const leave = all.connect(alice);
    leave();
    leave();
    expect(all.all[0]).toMatchObject({ connections: 0, leaseEndsAt: clock.wall() + 10_000 });
    await clock.advance(9000);
    const leaveAgain = all.connect(alice);
    await clock.advance(60_000);
    expect(ended).toEqual([]);
    expect(all.connected('alice')).toBe(true);
    leaveAgain();
    await clock.advance(10_000);
    expect(ended).toEqual(['alice']);
    expect(clock.pending).toBe(0);
  });

  it('without sessions are forgotten when they go', () => {
    const { clock, guests: all } = guests(
      () => undefined,
      {},
      () => false,
    );
    all.connect(alice)();
    expect(all.all).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('are limited in number, and free their place', () => {
    const { guests: all } = guests(
      () => undefined,
      {},
      () => false,
    );
    const leave = Array.from({ length: 1000 }, (_, at) =>
      all.connect({ instance: `guest-${at}`, local: false }),
    );
    expect(() => all.connect(alice)).toThrowError(
      expect.objectContaining({ code: 'limit-reached' }),
    );
    leave[500]?.();
    expect(all.connect(alice)).toBeTypeOf('function');
  });

  it('that are only known from their sessions have to come within their lease', async () => {
    const ended: string[] = [];
    const { clock, guests: all } = guests((instance) => ended.push(instance));
    all.expect(alice, 20_000);
    all.expect(alice, 50_000);
    await clock.advance(20_000);
    expect(ended).toEqual(['alice']);
  });
});

describe('the record of a session beside its sockets', () => {
  const key = Buffer.alloc(30, 3).toString('base64');
  const offer = peerSdp('audio 5004 RTP/SAVP 8 96', [
    'a=rtpmap:96 opus/48000/2',
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
  ]);
  const facts = {
    id: 'call',
    openedAt: 7,
    local,
    options: mediaOptions.parse({ srtp: 'optional' }),
  };
  const origin = { username: '-', sessionId: '1', version: 1 };
  const context = { newKey: (bytes: number) => new Uint8Array(bytes), turn: 3 };
  const guest = { instance: 'alice', local: true };

  it('is read back as it was, in every state', () => {
    const fresh = newSession(facts);
    const active = advance(
      fresh,
      1,
      { type: 'answer', offer, direction: 'sendrecv', origin },
      context,
    ).session;
    const offered = advance(
      active,
      2,
      { type: 'offer', direction: 'sendonly', origin },
      context,
    ).session;
    for (const session of [fresh, active, offered]) {
      const record = { guest, leaseMs: 1000, session };
      const read = readRecord(writeRecord({ ...record, session: { ...session, revision: 1 } }));
      expect(read).toEqual({ ...record, version: 1, session: { ...session, revision: 1 } });
    }
  });

  it('fits into a tag whatever the peer wrote', () => {
    const long = `${offer}${'a=long:x\r\n'.repeat(1500)}`;
    const { session } = advance(
      newSession(facts),
      1,
      { type: 'answer', offer: long.padEnd(65_000, ' '), direction: 'sendrecv', origin },
      context,
    );
    const text = writeRecord({ guest, leaseMs: 1000, session });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(65_536);
    expect(readRecord(text)?.session.inForce?.agreement).toEqual(session.inForce?.agreement);
  });

  it.each(['', 'x', '{}', '{"version":2}', 'null'])('is not %j', (text) => {
    expect(readRecord(text)).toBeUndefined();
  });
});
