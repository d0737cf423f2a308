import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StreamFramer, type FrameEvent } from '../../src/transport/framer.ts';
import { request } from './support/messages.ts';

const LIMITS = { headerBytes: 4096, bodyBytes: 8192 };

function feed(chunks: readonly (string | Uint8Array)[], limits = LIMITS): FrameEvent[] {
  const framer = new StreamFramer(limits);
  return chunks.flatMap((chunk) => framer.push(Buffer.from(chunk)));
}

function show(events: readonly FrameEvent[]): string[] {
  return events.map((event) => {
    switch (event.type) {
      case 'message':
        return `message ${Buffer.from(event.head).toString('utf8').split('\r\n')[0]} body ${event.body.length}`;
      case 'broken':
        return `broken ${event.status} ${event.reason}`;
      case 'ping':
      case 'pong':
        return event.type;
    }
  });
}

/** The bytes cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

describe('a stream of SIP (RFC 3261 §18.3)', () => {
  test('is cut by Content-Length, wherever its packets end', () => {
    const stream = Buffer.from(
      `${request({ body: 'Grüße' })}\r\n\r\n${request({ method: 'INVITE', body: 'b\r\n\r\nc' })}\r\n${request()}`,
    );
    const whole = show(feed([stream]));
    expect(whole).toEqual([
      'message OPTIONS sip:bob@127.0.0.1 SIP/2.0 body 7',
      'ping',
      'message INVITE sip:bob@127.0.0.1 SIP/2.0 body 6',
      'pong',
      'message OPTIONS sip:bob@127.0.0.1 SIP/2.0 body 0',
    ]);
    const messages = whole.filter((line) => line.startsWith('message'));
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (places) => {
        const found = show(feed(cut(stream, places)));
        expect(found.filter((line) => line.startsWith('message'))).toEqual(messages);
      }),
    );
  });

  test.each([
    ['Content-Length: 3', 3],
    ['l: 3', 3],
    ['content-length   :   3', 3],
    ['Content-Length:\r\n 3', 3],
  ])('reads %j', (line, length) => {
    const text = request().replace('Content-Length: 0', line);
    expect(show(feed([`${text}abc`]))).toEqual([
      `message OPTIONS sip:bob@127.0.0.1 SIP/2.0 body ${length}`,
    ]);
  });

  test.each([
    ['', 'broken 400 Missing Content-Length'],
    ['Content-Length: -1\r\n', 'broken 400 Malformed Content-Length Header Field'],
    ['Content-Length: 1e3\r\n', 'broken 400 Malformed Content-Length Header Field'],
    ['Content-Length: 9999999999\r\n', 'broken 400 Malformed Content-Length Header Field'],
    ['Content-Length: 0\r\nl: 5\r\n', 'broken 400 Malformed Content-Length Header Field'],
    ['Content-Length: 8193\r\n', 'broken 413 Body Too Large'],
  ])('cannot be followed after %j', (line, expected) => {
    const text = request().replace('Content-Length: 0\r\n', line);
    expect(show(feed([text, request()]))).toEqual([expected]);
  });

  test('a header block beyond the limit breaks it before it is complete', () => {
    const endless = `OPTIONS sip:a SIP/2.0\r\nX: ${'a'.repeat(5000)}`;
    expect(show(feed([endless]))).toEqual(['broken 413 Header Block Too Large']);
    const dripping = Array.from({ length: 6000 }, () => 'a');
    expect(show(feed(dripping))).toEqual(['broken 413 Header Block Too Large']);
  });

  test.each(['\rx', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\u0016\u0003\u0001\u0002\r\n\r\n'])(
    'something else than SIP breaks it: %j',
    (text) => {
      expect(show(feed([text]))[0]).toMatch(/^broken 400/);
    },
  );

  test('a message that has begun can be told from silence', () => {
    const framer = new StreamFramer(LIMITS);
    expect(framer.midMessage).toBe(false);
    framer.push(Buffer.from('OPTIONS '));
    expect(framer.midMessage).toBe(true);
    framer.push(Buffer.from(request().slice('OPTIONS '.length)));
    expect(framer.midMessage).toBe(false);
  });

  test('no bytes at all make it throw or hold more than one message', () => {
    const framed = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .constantFrom(
            '\r\n',
            '\r\n\r\n',
            'Content-Length: 5\r\n',
            request(),
            'SIP/2.0 200 OK\r\n',
          )
          .map((text) => Buffer.from(text)),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(framed, (chunks) => {
        const events = feed(chunks);
        expect(events.filter(({ type }) => type === 'broken').length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});
