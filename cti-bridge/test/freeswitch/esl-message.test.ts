import { array, assert, nat, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeCommand,
  EslReader,
  parseEvent,
  type EslMessage,
} from '../../src/freeswitch/esl-message.ts';

function read(...chunks: readonly (string | Buffer)[]): { sane: boolean; messages: EslMessage[] } {
  const reader = new EslReader();
  const messages: EslMessage[] = [];
  const sane = chunks.every((chunk) =>
    reader.push(Buffer.from(chunk), (message) => messages.push(message)),
  );
  return { sane, messages };
}

const EVENT = 'Event-Name: CHANNEL_CREATE\nCaller-Caller-ID-Name: Anna%20B%C3%B6hm\n\n';
const FRAMED = `Content-Length: ${EVENT.length}\nContent-Type: text/event-plain\n\n${EVENT}`;

describe('messages of the event socket', () => {
  it('are cut out of the stream wherever it is cut itself', () => {
    const all = `Content-Type: auth/request\n\n${FRAMED}${FRAMED}`;
    assert(
      property(array(nat(all.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), all.length];
        const chunks = at.slice(1).map((end, index) => all.slice(at[index], end));
        const { sane, messages } = read(...chunks);
        expect(sane).toBe(true);
        expect(messages.map(({ headers }) => headers.get('Content-Type'))).toEqual([
          'auth/request',
          'text/event-plain',
          'text/event-plain',
        ]);
        expect(messages[2]?.body).toBe(EVENT);
      }),
      { numRuns: 200 },
    );
  });

  it('have events with values written as in URIs, and bodies', () => {
    const { headers, body } = parseEvent(`${EVENT}+OK done\n`);
    expect(headers.get('Caller-Caller-ID-Name')).toBe('Anna Böhm');
    expect(body).toBe('+OK done\n');
    expect(parseEvent('A: %zz\n\n').headers.get('A')).toBe('%zz');
  });

  it.each([
    ['a header without end', 'x'.repeat(70_000)],
    ['a length beyond every bound', 'Content-Length: 99999999999\n\n'],
    ['a negative length', 'Content-Length: -1\n\n'],
    ['a length that is none', 'Content-Length: many\n\n'],
  ])('end the connection with %s', (_, text) => {
    expect(read(text).sane).toBe(false);
  });

  it('survive anything', () => {
    assert(
      property(uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => read(Buffer.from(bytes))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe('commands', () => {
  it('end with an empty line', () => {
    expect(encodeCommand('api status')).toBe('api status\n\n');
    expect(encodeCommand('sendevent X', { A: 'b' })).toBe('sendevent X\nA: b\n\n');
  });

  it.each(['a\nb', 'a\rb', 'a\0b', 'x'.repeat(10_000)])(
    'are refused with a line end in them, or too long: %.10j',
    (line) => {
      expect(() => encodeCommand(line)).toThrow(expect.objectContaining({ code: 'bad-value' }));
      expect(() => encodeCommand('sendevent X', { A: line })).toThrow(
        expect.objectContaining({ code: 'bad-value' }),
      );
    },
  );
});
