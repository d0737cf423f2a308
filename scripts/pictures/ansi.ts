/** How a run of characters is drawn; colours as CSS has them. */
export interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly inverse: boolean;
  readonly colour: string | undefined;
}

/** Characters of one style, beginning at a column. */
export interface Run {
  readonly column: number;
  readonly text: string;
  readonly style: Style;
}

/** ECMA-48 §8.3.117; the escape character is written so that the pattern can be read. */
const SGR = new RegExp(`(${String.fromCodePoint(0x1b)}\\[[0-9;:]*m)`);

const plain: Style = { bold: false, dim: false, inverse: false, colour: undefined };

/** The sixteen colours as xterm has them. */
const BASIC = [
  '#000000 #cd0000 #00cd00 #cdcd00 #0000ee #cd00cd #00cdcd #e5e5e5',
  '#7f7f7f #ff0000 #00ff00 #ffff00 #5c5cff #ff00ff #00ffff #ffffff',
].flatMap((row) => row.split(' '));

/**
 * The lines of a screen as `tmux capture-pane -e` gives it: text with SGR sequences (ECMA-48 §8.3.117),
 * whose effect goes on over the ends of lines.
 */
export function readScreen(screen: string): readonly (readonly Run[])[] {
  let style = plain;
  return screen
    .trimEnd()
    .split('\n')
    .map((line) => {
      const runs: Run[] = [];
      let column = 0;
      for (const part of line.split(SGR)) {
        const codes = SGR.test(part) ? part.slice(2, -1) : undefined;
        if (codes !== undefined) style = applied(style, codes.split(/[;:]/).map(Number));
        else if (part !== '') {
          runs.push({ column, text: part, style });
          column += Array.from(part).length;
        }
      }
      return runs;
    });
}

function applied(style: Style, codes: readonly number[]): Style {
  const [code = 0, ...rest] = codes;
  if (code === 38 || code === 48) {
    const [kind, ...values] = rest;
    const used = kind === 2 ? 3 : 1;
    const colour = kind === 2 ? rgb(values) : BASIC[values[0] ?? 0];
    const next = code === 38 ? { ...style, colour } : style;
    return after(next, values.slice(used));
  }
  return after(one(style, code), rest);
}

function after(style: Style, codes: readonly number[]): Style {
  return codes.length === 0 ? style : applied(style, codes);
}

function one(style: Style, code: number): Style {
  if (code === 0) return plain;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 7) return { ...style, inverse: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 27) return { ...style, inverse: false };
  if (code === 39) return { ...style, colour: undefined };
  if (code >= 30 && code <= 37) return { ...style, colour: BASIC[code - 30] };
  if (code >= 90 && code <= 97) return { ...style, colour: BASIC[code - 82] };
  return style;
}

function rgb(values: readonly number[]): string {
  return `#${values
    .slice(0, 3)
    .map((value) => value.toString(16).padStart(2, '0'))
    .join('')}`;
}
