import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { silentLogger, withDeadline } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import { connectIntroduced, listenIntroduced, type Introduction } from '../src/index.ts';
import { temporaryDirectory } from './channels.ts';

const directory = temporaryDirectory();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

let count = 0;
async function listen(timeoutMs = 2000) {
  const path = join(directory, `introduced-${++count}.sock`);
  const first = Promise.withResolvers<Introduction>();
  let introductions = 0;
  const listener = await listenIntroduced({ path, logger: silentLogger, timeoutMs }, (one) => {
    introductions += 1;
    first.resolve(one);
  });
  cleanups.push(() => listener.close());
  return { path, first: first.promise, introductions: () => introductions };
}

describe('a channel that is introduced', () => {
  it('says what it is and then carries bytes both ways as that of the peer it stands for', async () => {
    const { path, first } = await listen();
    const ours = await connectIntroduced(path, { kind: 'stream', port: 'p' });
    cleanups.push(() => ours.close());
    ours.write(Buffer.from('hello'));
    const introduction = await first;
    expect(introduction.words).toEqual({ kind: 'stream', port: 'p' });
    const theirs = introduction.open({ transport: 'spice', description: 'spice port p' });
    expect(theirs.peer.transport).toBe('spice');
    const next = (channel: typeof ours) =>
      new Promise<string>((resolve) => {
        channel.on('data', (chunk) => resolve(Buffer.from(chunk).toString()));
      });
    expect(await next(theirs)).toBe('hello');
    theirs.write(Buffer.from('there'));
    expect(await next(ours)).toBe('there');
  });

  it.each<[string, Buffer]>([
    ['says nothing', Buffer.alloc(0)],
    ['announces more than there can be', Buffer.of(0xff, 0xff)],
    ['says what is no JSON', Buffer.concat([Buffer.of(0, 3), Buffer.from('???')])],
    ['stops in the middle', Buffer.concat([Buffer.of(0, 9), Buffer.from('{')])],
  ])('is closed in time when it %s', async (_what, bytes) => {
    const { path, introductions } = await listen(100);
    const socket = connect(path);
    socket.on('error', () => undefined).resume();
    if (bytes.length > 0) socket.write(bytes);
    await withDeadline({ layer: 'system', what: 'the end', ms: 3000 }, () => once(socket, 'close'));
    expect(introductions()).toBe(0);
  });

  it('can be refused, and cannot be introduced at length', async () => {
    const { path, first } = await listen();
    const ours = await connectIntroduced(path, {});
    const gone = new Promise<void>((resolve) => {
      ours.on('close', () => resolve());
    });
    ours.on('data', () => undefined);
    (await first).refuse();
    await gone;
    await expect(connectIntroduced(path, 'x'.repeat(5000))).rejects.toMatchObject({
      code: 'too-large',
    });
  });
});
