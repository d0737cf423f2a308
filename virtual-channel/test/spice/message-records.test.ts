import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { MessageEnds } from '../../src/spice/proxy/message-ends.ts';
import { MessageRecords } from '../../src/spice/proxy/message-records.ts';
import { makeOwnCertificate } from '../../src/spice/proxy/own-certificate.ts';
import { frame } from './fake-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

describe('the end of the last message in a piece of a channel', () => {
  it('is found however the messages are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(30), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 60 }),
        (sizes, cuts) => {
          const messages = sizes.map((size) => frame(1, Buffer.alloc(size, 0xff)));
          const stream = Buffer.concat(messages);
          const bounds = messages.reduce<number[]>(
            (all, { length }) => [...all, (all.at(-1) ?? 0) + length],
            [0],
          );
          const ends = new MessageEnds();
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const piece = stream.subarray(at, at + (cuts[turn % cuts.length] ?? 1));
            const over = bounds.filter((one) => one > at && one <= at + piece.length).at(-1);
            const before = bounds.filter((one) => over !== undefined && one < over).at(-1) ?? 0;
            expect(ends.push(piece)).toEqual(
              over === undefined
                ? { start: 0, end: 0 }
                : { start: Math.max(0, before - at), end: over - at },
            );
            at += piece.length;
          }
        },
      ),
    );
  });
});

/** Both ends of a TLS connection. */
async function tlsPair(): Promise<{ ours: TLSSocket; viewer: TLSSocket }> {
  const { cert, key } = await makeOwnCertificate('Offhook test');
  const server = createServer({ cert, key }).listen(0, '127.0.0.1');
  cleanups.push(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const viewer = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const [ours] = await accepted;
  cleanups.push(() => viewer.destroy());
  return { ours, viewer };
}

describe('messages to a viewer by TLS', () => {
  // Node hands out what is in one record at a time.
  it('end with a record that has nothing but the last of them', async () => {
    const { ours, viewer } = await tlsPair();
    const records: Buffer[] = [];
    viewer.on('data', (record: Buffer) => records.push(record));
    const messages = [1, 2, 3, 4].map((type) => frame(type, Buffer.alloc(50, type)));
    const to = new MessageRecords(ours);
    // All but a part of the last one at once, and many times: what waits must not be put together.
    const [last = Buffer.alloc(0)] = messages.slice(-1);
    for (let turn = 0; turn < 20; turn++) {
      to.write(Buffer.concat([...messages.slice(0, 3), last.subarray(0, 20)]));
      to.write(last.subarray(20));
    }
    const all = Buffer.concat(Array.from({ length: 20 }, () => messages).flat());
    await expect.poll(() => Buffer.concat(records).equals(all)).toBe(true);
    expect(records.map(({ length }) => length).slice(-4)).toEqual([112, 56, 20, 36]);
  });

  it('are over when the server has ended, with its last words', async () => {
    const { ours, viewer } = await tlsPair();
    let text = '';
    viewer.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    const to = new MessageRecords(ours);
    const words = frame(1, Buffer.from('last words'));
    to.end(words);
    await once(viewer, 'end');
    expect(text).toBe(words.toString('latin1'));
  });

  it('end without an error of ours when the viewer goes', async () => {
    const { ours, viewer } = await tlsPair();
    ours.on('error', () => undefined);
    const to = new MessageRecords(ours);
    viewer.destroy();
    const closed = new Promise((resolve) => ours.once('close', resolve));
    to.write(frame(1, Buffer.alloc(1_000_000)));
    to.write(frame(1, Buffer.alloc(1_000_000)));
    await closed;
    expect(to.destroyed).toBe(true);
  });
});
