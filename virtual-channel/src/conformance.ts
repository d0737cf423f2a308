/**
 * What every Channel has to do, as tests: one for each sentence of the contract in channel.ts. A
 * package that brings a kind of channel calls `testChannel` from a test file of its own.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock, OffhookError, type Clock } from '@offhook/common';
import type { Channel } from './channel.ts';
import {
  MAX_BUFFERED,
  Recorder,
  send,
  fill,
  pattern,
  equal,
  codeThrownBy,
  turn,
  until,
  within,
} from './conformance-end.ts';

/** Both ends of one open channel. */
export interface ChannelPair {
  readonly left: Channel;
  readonly right: Channel;
}

export interface ChannelFactory {
  readonly name: string;
  /** A fresh pair. Both ends MUST be handed out in the turn in which `use` is called. */
  open(
    options: { readonly clock: Clock; readonly maxBuffered: number },
    use: (pair: ChannelPair) => void,
  ): Promise<void>;
}

export function testChannel(factory: ChannelFactory): void {
  describe(`channel contract: ${factory.name}`, () => {
    let clock: ManualClock;
    let left: Channel;
    let right: Channel;
    const seen = { left: new Recorder(), right: new Recorder() };

    beforeEach(async () => {
      clock = new ManualClock();
      seen.left = new Recorder();
      seen.right = new Recorder();
      const opened = Promise.withResolvers<void>();
      await factory.open({ clock, maxBuffered: MAX_BUFFERED }, (pair) => {
        ({ left, right } = pair);
        seen.left.watch(left);
        seen.right.watch(right);
        opened.resolve();
      });
      await within('opening', opened.promise);
    });

    afterEach(async () => {
      left.destroy();
      right.destroy();
      await within('closing', Promise.all([seen.left.closed, seen.right.closed]));
      expect(seen.left.late).toEqual([]);
      expect(seen.right.late).toEqual([]);
      expect(clock.pending).toBe(0);
    });

    it('carries bytes in order, each once, in both directions at a time', async () => {
      const [there, back] = [pattern(700_000, 1), pattern(500_000, 7)];
      seen.left.read(left);
      seen.right.read(right);
      await Promise.all([send(left, there, 9973), send(right, back, 313)]);
      await within(
        'arrival',
        Promise.all([seen.right.bytes(there.length), seen.left.bytes(back.length)]),
      );
      expect(equal(seen.right.data(), there)).toBe(true);
      expect(equal(seen.left.data(), back)).toBe(true);
    });

    it('carries single bytes of every value, and takes an empty write for nothing', async () => {
      seen.right.read(right);
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const byte of all) {
        left.write(Uint8Array.of(byte));
        left.write(new Uint8Array());
      }
      await within('arrival', seen.right.bytes(256));
      expect(equal(seen.right.data(), all)).toBe(true);
    });

    it('keeps data that comes before the first listener', async () => {
      seen.left.read(left);
      left.write(pattern(1000, 3));
      // An answer by another way: by now the bytes are there.
      right.write(Uint8Array.of(1));
      await within('answer', seen.left.bytes(1));
      seen.right.read(right);
      await within('arrival', seen.right.bytes(1000));
      expect(equal(seen.right.data(), pattern(1000, 3))).toBe(true);
    });

    it('fires no event in the turn in which it was handed out', async () => {
      const inTurn: boolean[] = [];
      await factory.open({ clock, maxBuffered: MAX_BUFFERED }, ({ left, right }) => {
        let turn = true;
        for (const channel of [left, right]) {
          channel.on('data', () => inTurn.push(turn));
          channel.on('drain', () => inTurn.push(turn));
          channel.on('close', () => inTurn.push(turn));
          channel.write(Uint8Array.of(1));
        }
        left.destroy();
        right.destroy();
        turn = false;
      });
      await within(
        'close',
        until(() => inTurn.length >= 2),
      );
      expect(inTurn).not.toContain(true);
    });

    it('says false over the high-water mark, takes the bytes all the same, and tells of room', async () => {
      right.pause();
      seen.right.read(right);
      const piece = pattern(16 * 1024, 5);
      let sent = 0;
      while (left.write(piece)) {
        sent += piece.length;
        await turn();
      }
      sent += piece.length;
      expect(left.buffered).toBeGreaterThan(0);
      expect(left.closed).toBe(false);
      expect(seen.left.drains).toBe(0);
      right.resume();
      await within(
        'drain',
        until(() => seen.left.drains === 1),
      );
      await within('arrival', seen.right.bytes(sent));
      expect(left.buffered).toBe(0);
      expect(left.write(Uint8Array.of(1))).toBe(true);
    });

    it('tells of no room when none was asked for', async () => {
      seen.right.read(right);
      left.write(pattern(1000, 1));
      await within('arrival', seen.right.bytes(1000));
      await turn();
      expect(seen.left.drains).toBe(0);
    });

    it('closes with send-buffer-full when more waits than it may keep', async () => {
      right.pause();
      const piece = new Uint8Array(256 * 1024);
      // The system's own buffers come before ours.
      for (let round = 0; round < 1000 && !left.closed; round++) {
        left.write(piece);
        expect(left.buffered).toBeLessThanOrEqual(MAX_BUFFERED);
        await turn();
      }
      expect(await within('close', seen.left.closed)).toMatchObject({
        layer: 'channel',
        code: 'send-buffer-full',
      });
    });

    it('throws when written to after close, after destroy, and after the peer has gone', async () => {
      seen.right.read(right);
      const closing = left.close();
      expect(left.closed).toBe(true);
      expect(codeThrownBy(() => left.write(Uint8Array.of(1)))).toBe('channel closed');
      await within('close', closing);
      await within('close', seen.right.closed);
      expect(right.closed).toBe(true);
      expect(codeThrownBy(() => right.write(Uint8Array.of(1)))).toBe('channel closed');
      right.destroy();
      expect(codeThrownBy(() => right.write(Uint8Array.of(1)))).toBe('channel closed');
    });

    it('flushes what it accepted when it is closed', async () => {
      seen.right.read(right);
      const bytes = pattern(600_000, 11);
      left.write(bytes);
      await within('close', left.close());
      await within('close', seen.right.closed);
      expect(equal(seen.right.data(), bytes)).toBe(true);
    });

    it('flushes although the peer is sending', async () => {
      seen.right.read(right);
      right.write(new Uint8Array(300_000));
      left.write(pattern(1000, 2));
      await within('close', left.close());
      await within('close', seen.right.closed);
      expect(equal(seen.right.data(), pattern(1000, 2))).toBe(true);
    });

    it('drops after a second what the peer does not take', async () => {
      right.pause();
      seen.right.read(right);
      const sent = await fill(left);
      let gone = false;
      const closing = left.close().then(() => (gone = true));
      await clock.advance(999);
      expect(gone).toBe(false);
      await clock.advance(1);
      await within('close', closing);
      right.resume();
      await within('close', seen.right.closed);
      expect(seen.right.size).toBeLessThan(sent);
    });

    it('gives no data after close was called', async () => {
      seen.left.read(left);
      right.write(pattern(1000, 2));
      await within('close', left.close());
      expect(seen.left.size).toBe(0);
    });

    it('tells of no room after close was called', async () => {
      right.pause();
      seen.right.read(right);
      await fill(left);
      const closing = left.close();
      const before = seen.left.drains;
      right.resume();
      await within('close', closing);
      expect(seen.left.drains).toBe(before);
    });

    it('closes at both ends at a time over bytes that neither has read', async () => {
      left.write(pattern(1000, 1));
      right.write(pattern(1000, 2));
      await turn();
      await within('close', Promise.all([left.close(), right.close()]));
      expect([left.closed, right.closed]).toEqual([true, true]);
    });

    it('closes once however often it is told to, with no reason at either end', async () => {
      seen.left.read(left);
      seen.right.read(right);
      await within('close', Promise.all([left.close(), left.close(), right.close()]));
      await within('close', left.close());
      left.destroy(new Error('too late'));
      expect(await within('close', seen.left.closed)).toBeUndefined();
      expect(await within('close', seen.right.closed)).toBeUndefined();
    });

    it('gives the error it was destroyed with as the reason, and drops what is buffered', async () => {
      right.pause();
      seen.right.read(right);
      const sent = await fill(left);
      const reason = new OffhookError('rpc', 'test', 'enough');
      left.destroy(reason);
      left.destroy(new Error('second'));
      expect(await within('close', seen.left.closed)).toBe(reason);
      right.resume();
      await within('close', seen.right.closed);
      expect(seen.right.size).toBeLessThan(sent);
    });

    it('closes without a reason when it is destroyed without one', async () => {
      seen.right.read(right);
      left.destroy();
      expect(await within('close', seen.left.closed)).toBeUndefined();
      await within('close', seen.right.closed);
    });

    it('gives no data while it is paused, and all of it after', async () => {
      seen.right.read(right);
      seen.left.read(left);
      right.pause();
      left.write(pattern(5000, 9));
      right.write(Uint8Array.of(1));
      await within('answer', seen.left.bytes(1));
      await turn();
      expect(seen.right.size).toBe(0);
      right.resume();
      await within('arrival', seen.right.bytes(5000));
      right.pause();
      right.resume();
      left.write(pattern(5000, 9));
      await within('arrival', seen.right.bytes(10_000));
    });

    it('can be paused before anybody listens', async () => {
      right.pause();
      seen.right.read(right);
      seen.left.read(left);
      left.write(pattern(100, 9));
      right.write(Uint8Array.of(1));
      await within('answer', seen.left.bytes(1));
      await turn();
      expect(seen.right.size).toBe(0);
      right.resume();
      await within('arrival', seen.right.bytes(100));
    });

    it('says who is at the other end', () => {
      for (const { peer } of [left, right]) {
        expect(peer.transport).toMatch(/^[a-z]+$/);
        expect(peer.description.length).toBeGreaterThan(0);
      }
    });
  });
}
