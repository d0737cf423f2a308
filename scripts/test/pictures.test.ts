import { describe, expect, it } from 'vitest';
import { readScreen } from '../pictures/ansi.ts';
import { screenPicture } from '../pictures/svg.ts';

describe('a screen of a terminal', () => {
  it('is taken apart into runs of one style', () => {
    expect(
      readScreen(
        '\u001b[1m> \u001b[38;2;86;180;233mtalking\u001b[0m  x\n\u001b[7m \u001b[27my\n\n',
      ),
    ).toMatchObject([
      [
        { column: 0, text: '> ', style: { bold: true, colour: undefined } },
        { column: 2, text: 'talking', style: { bold: true, colour: '#56b4e9' } },
        { column: 9, text: '  x', style: { bold: false, colour: undefined } },
      ],
      [
        { column: 0, text: ' ', style: { inverse: true } },
        { column: 1, text: 'y', style: { inverse: false } },
      ],
    ]);
  });

  it('keeps its style over the end of a line, and takes several codes at once', () => {
    const [first, second] = readScreen('\u001b[1;31;48;5;2;2ma\nb');
    expect(first?.[0]?.style).toEqual({ bold: true, dim: true, inverse: false, colour: '#cd0000' });
    expect(second?.[0]?.style).toEqual(first?.[0]?.style);
  });

  it('becomes a picture in which nothing is markup', () => {
    const picture = screenPicture('Carol <carol> & \u001b[7m<b>\u001b[0m', 'A <call>');
    expect(picture).toContain('<title>A &lt;call&gt;</title>');
    expect(picture).toContain('>Carol\u00a0&lt;carol&gt;\u00a0&amp;</text>');
    expect(picture).toContain('>&lt;b&gt;</text>');
    expect(picture.match(/<rect /g)).toHaveLength(2);
  });
});
