/**
 * `Intl.Segmenter` that loads the rules of Unicode (36 ms at start) only for text that needs them.
 * ink and its helpers make segmenters when they are loaded and ask them for graphemes of everything
 * they draw; in what the screen itself says each character is one (UAX #29, rules GB3-GB5 and GB999).
 */
export class LazySegmenter implements Intl.Segmenter {
  readonly #make: () => Intl.Segmenter;
  readonly #graphemes: boolean;
  #real: Intl.Segmenter | undefined;

  constructor(locales?: Intl.LocalesArgument, options?: Intl.SegmenterOptions) {
    this.#make = () => new RealSegmenter(locales, options);
    this.#graphemes = (options?.granularity ?? 'grapheme') === 'grapheme';
  }

  segment(input: string): Intl.Segments {
    return this.#graphemes && isSimple(input)
      ? new SimpleSegments(input, () => this.#segmenter().segment(input))
      : this.#segmenter().segment(input);
  }

  resolvedOptions(): Intl.ResolvedSegmenterOptions {
    return this.#segmenter().resolvedOptions();
  }

  #segmenter(): Intl.Segmenter {
    this.#real ??= this.#make();
    return this.#real;
  }
}

const RealSegmenter = Intl.Segmenter;
const ESC = 0x1b;

/**
 * Printable ASCII, and ESC, which stands alone too; Latin letters with their accents, the ellipsis and
 * the blocks that levels are drawn with, none of which joins with a neighbour (Grapheme_Cluster_Break
 * Other). CR and LF do: together they are one.
 */
function isSimple(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const simple =
      (code >= 0x20 && code <= 0x7e) ||
      code === ESC ||
      (code >= 0xc0 && code <= 0xff) ||
      code === 0x2026 ||
      (code >= 0x2580 && code <= 0x259f);
    if (!simple) return false;
  }
  return true;
}

class SimpleSegments implements Intl.Segments {
  readonly #input: string;
  readonly #real: () => Intl.Segments;

  constructor(input: string, real: () => Intl.Segments) {
    this.#input = input;
    this.#real = real;
  }

  containing(index?: number): Intl.SegmentData | undefined {
    return this.#real().containing(index);
  }

  *[Symbol.iterator](): Intl.SegmentIterator<Intl.SegmentData> {
    const input = this.#input;
    for (let index = 0; index < input.length; index++) {
      yield { segment: input.charAt(index), index, input };
    }
  }
}

/** From now on every new segmenter of this process is a lazy one. */
export function installLazySegmenter(): void {
  Object.defineProperty(Intl, 'Segmenter', {
    value: LazySegmenter,
    configurable: true,
    writable: true,
  });
}
