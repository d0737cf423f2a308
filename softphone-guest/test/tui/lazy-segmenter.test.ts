import { assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LazySegmenter } from '../../src/tui/lazy-segmenter.ts';

const plain = (segments: Intl.Segments) =>
  [...segments].map(({ segment, index, input }) => [segment, index, input]);

describe('the lazy segmenter', () => {
  it('cuts every text as the real one does', () => {
    const lazy = new LazySegmenter(undefined, { granularity: 'grapheme' });
    const real = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    const text = oneof(
      string({ unit: 'binary-ascii' }),
      string({ unit: 'binary' }),
      constantFrom(
        '',
        'a\r\nb',
        '\u001b[1mbold',
        'e\u0301',
        '👩‍👩‍👧 x',
        '● on',
        'é…×█░\u0301',
        'mic ██░░',
      ),
    );
    assert(
      property(text, (input) => {
        expect(plain(lazy.segment(input))).toEqual(plain(real.segment(input)));
      }),
    );
  });

  it('finds the segment at a place, and cuts words as words', () => {
    expect(new LazySegmenter().segment('abc').containing(1)).toMatchObject({ segment: 'b' });
    const words = new LazySegmenter('en', { granularity: 'word' });
    expect(plain(words.segment('one two')).map(([word]) => word)).toEqual(['one', ' ', 'two']);
    expect(words.resolvedOptions().granularity).toBe('word');
  });
});
