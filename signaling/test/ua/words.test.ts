import { describe, expect, it } from 'vitest';
import { Headers, type HeaderPair } from '../../src/ua/message/headers.ts';
import { reasonInWords, statusInWords } from '../../src/ua/words.ts';

function say(status: number, ...headers: HeaderPair[]): string {
  return reasonInWords(status, Headers.of(headers));
}

describe('why a call ended, in words', () => {
  it.each([
    [404, 'no such number'],
    [408, 'no answer'],
    [480, 'not available'],
    [486, 'busy'],
    [488, 'no codec in common'],
    [503, 'service unavailable'],
    [603, 'declined'],
  ])('a %i is "%s"', (status, words) => {
    expect(say(status)).toBe(words);
  });

  it('an unknown status goes by its phrase, else by its class', () => {
    expect(reasonInWords(499, new Headers(), 'Odd Thing')).toBe('odd thing');
    expect(statusInWords(599)).toBe('server error');
    expect(statusInWords(699)).toBe('call rejected');
  });

  it('a Reason says more than the status (RFC 3326)', () => {
    expect(say(487, ['reason', 'SIP;cause=200;text="Call completed elsewhere"'])).toBe(
      'answered elsewhere',
    );
    expect(say(487, ['reason', 'SIP;cause=603'])).toBe('declined');
    expect(say(500, ['reason', 'Q.850;cause=34;text="No circuit"'])).toBe('all lines are busy');
    expect(say(486, ['reason', 'SIP;cause=486, Q.850;cause=17'])).toBe('busy');
    expect(say(486, ['reason', 'Q.850;cause=16'])).toBe('busy');
    expect(say(486, ['reason', 'nonsense;cause=abc'])).toBe('busy');
  });

  it('the text of a Warning is added (RFC 3261 §20.43)', () => {
    expect(say(488, ['warning', '304 pbx.example "Media type not available"'])).toBe(
      'no codec in common (Media type not available)',
    );
  });
});
