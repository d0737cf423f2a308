import { readScreen, type Run } from './ansi.ts';

const [CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN] = [8.4, 18, 14, 16];
const [BACKGROUND, FOREGROUND] = ['#1b1e24', '#e6e6e6'];

/** A terminal's screen as a picture. */
export function screenPicture(screen: string, title: string): string {
  const lines = readScreen(screen);
  const columns = Math.max(80, ...lines.flat().map(({ column, text }) => column + text.length));
  const width = Math.round(columns * CELL_WIDTH + 2 * MARGIN);
  const height = lines.length * CELL_HEIGHT + 2 * MARGIN;
  const drawn = lines.flatMap((runs, row) => runs.map((run) => drawRun(run, row)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    `<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="${FONT_SIZE}" fill="${FOREGROUND}">`,
    ...drawn.filter((one) => one !== ''),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function drawRun({ column, text, style }: Run, row: number): string {
  const top = MARGIN + row * CELL_HEIGHT;
  // Spaces at the ends of a text would be taken away.
  const visible = text.trim();
  const before = column + text.length - text.trimStart().length;
  const ink = style.colour ?? FOREGROUND;
  const box = style.inverse
    ? `<rect ${across(column, text)} y="${top}" height="${CELL_HEIGHT}" fill="${ink}"/>`
    : '';
  if (visible === '') return box;
  const attributes = [
    `${across(before, visible).replace('width', 'textLength')} y="${top + FONT_SIZE}"`,
    'lengthAdjust="spacingAndGlyphs"',
    ...(style.inverse ? [`fill="${BACKGROUND}"`] : []),
    ...(style.colour !== undefined && !style.inverse ? [`fill="${style.colour}"`] : []),
    ...(style.bold ? ['font-weight="bold"'] : []),
    ...(style.dim ? ['opacity="0.6"'] : []),
  ];
  const shown = escaped(visible.replaceAll(' ', '\u00a0'));
  return `${box}<text ${attributes.join(' ')}>${shown}</text>`;
}

function across(column: number, text: string): string {
  const [x, width] = [MARGIN + column * CELL_WIDTH, Array.from(text).length * CELL_WIDTH];
  return `x="${x.toFixed(1)}" width="${width.toFixed(1)}"`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
