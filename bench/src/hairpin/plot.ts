import { mean, median } from '../measure/statistics.ts';
import { validity } from './analysis.ts';
import { lineTable, type LineRow } from './lines.ts';
import type { MeasureReport, Path, SessionReport } from './options.ts';
import { directSessions, type Way } from './sessions.ts';

const WIDTH = 1000;
const HEIGHT = 640;
const PATHS = [
  { path: 'redirected', label: 'redirected', colour: '#2e8b57' },
  { path: 'tuned', label: 'hair-pinned, tuned client', colour: '#b0682f' },
  { path: 'stock', label: 'hair-pinned, stock client', colour: '#9a5b8f' },
] as const;
const WAYS = [
  { way: 'listen', label: 'listening' },
  { way: 'talk', label: 'talking' },
] as const;
const STYLE = `
text { font-family: system-ui, sans-serif; font-size: 13px; fill: #52606f }
.h { font-size: 16px; font-weight: 600; fill: #1b2733 } .v { fill: #1b2733; font-weight: 600 }
.e { text-anchor: end } .m { text-anchor: middle }
.a { stroke: #b6c2d1 } .r { stroke: #1b2733; stroke-width: 1.5 }`;

/** The results as a picture: latency of each path, what each costs, and both over bad lines. */
export function plot(report: MeasureReport, at: Date): string {
  const paths = directSessions(report.sessions);
  const day = at.toISOString().slice(0, 10);
  const count = Math.min(...Object.values(paths).map(({ length }) => length));
  const { valid, failed } = validity(Object.values(paths).flat());
  const doubt = valid ? '' : `. Not a valid run: ${failed.join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    '<title>A redirected call beside the same call hair-pinned through the desktop</title>',
    `<style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...latencyPanel(paths),
    ...costPanel(paths),
    ...linePanel(lineTable(report.sessions)),
    text(24, HEIGHT - 16, `${day}; sessions of each path: ${count}; whiskers: their range${doubt}`),
    '</svg>',
    '',
  ].join('\n');
}

type Paths = Readonly<Record<Path, readonly SessionReport[]>>;

function latencyPanel(paths: Paths): string[] {
  const [left, top, width] = [200, 60, 290];
  const all = WAYS.flatMap(({ way }) => PATHS.flatMap(({ path }) => medians(paths[path], way)));
  const scale = axis(all, width);
  return [
    text(24, 36, 'From one device to the other, ms', 'h'),
    ...WAYS.flatMap(({ way, label }, group) => [
      text(24, top + 14 + group * 104, label, 'v'),
      ...PATHS.flatMap(({ path, label: name, colour }, row) => {
        const y = top + group * 104 + row * 26 + 20;
        const values = medians(paths[path], way);
        return [text(left - 8, y + 14, name, 'e'), ...bar(left, y, values, scale, colour)];
      }),
    ]),
  ];
}

function costPanel(paths: Paths): string[] {
  const [left, top, width] = [740, 60, 160];
  const costs = [
    { key: 'cpu', label: 'processor time of QEMU, % of a core', unit: 1 },
    { key: 'bytes', label: 'bytes over SPICE, kB a minute', unit: 1000 },
  ] as const;
  return [
    text(540, 36, 'What the call adds on the host', 'h'),
    ...costs.flatMap(({ key, label, unit }, group) => {
      const added = (path: Path) =>
        paths[path].flatMap(({ cost }) =>
          cost === undefined ? [] : [(cost[key].call - cost[key].idle) / unit],
        );
      const scale = axis(
        PATHS.flatMap(({ path }) => added(path)),
        width,
      );
      return [
        text(540, top + 14 + group * 104, label, 'v'),
        ...PATHS.flatMap(({ path, label: name, colour }, row) => {
          const y = top + group * 104 + row * 26 + 20;
          return [
            text(left - 8, y + 14, name, 'e'),
            ...bar(left, y, added(path), scale, colour, mean),
          ];
        }),
      ];
    }),
  ];
}

/** Listening over each line: how late, and how broken. */
function linePanel(rows: readonly LineRow[]): string[] {
  if (rows.length === 0) return [];
  const [left, base, height] = [70, 540, 190];
  const step = (WIDTH - left - 24) / rows.length;
  const two = PATHS.slice(0, 2);
  const cell = (row: LineRow, path: Path) => (path === 'redirected' ? row.redirected : row.tuned);
  const all = rows.flatMap((row) => two.map(({ path }) => cell(row, path).listen.ms ?? 0));
  const scale = axis(all, height);
  return [
    text(24, 310, 'Listening, with delay and loss on the SPICE path: ms, and breaks a second', 'h'),
    `<line class="a" x1="${left}" y1="${base}" x2="${WIDTH - 24}" y2="${base}"/>`,
    ...rows.flatMap((row, index) => {
      const x = left + index * step;
      return [
        text(x + step / 2, base + 18, `${row.delayMs} ms, ${row.lossPercent} %`, 'm'),
        ...two.flatMap(({ path, colour }, side) => {
          const { ms, glitchesASecond } = cell(row, path).listen;
          const at = x + step * (0.14 + 0.37 * side);
          const middle = at + step * 0.17;
          if (ms === null) return [text(middle, base - 8, 'none', 'm')];
          const tall = scale(ms);
          const broken = glitchesASecond === null ? '–' : String(glitchesASecond);
          return [
            rect(at, base - tall, step * 0.34, tall, colour),
            text(middle, base - tall - 6, String(ms), 'm v'),
            text(middle, base + 36, broken, 'm'),
          ];
        }),
      ];
    }),
    text(24, base + 36, 'breaks/s'),
    ...two.flatMap(({ label, colour }, index) => [
      rect(24 + index * 130, base + 52, 12, 12, colour),
      text(42 + index * 130, base + 63, label),
    ]),
  ];
}

function bar(
  x: number,
  y: number,
  values: readonly number[],
  scale: (value: number) => number,
  colour: string,
  middle: (values: readonly number[]) => number = median,
): string[] {
  if (values.length === 0) return [text(x, y + 14, 'not measured')];
  const value = middle(values);
  const [from, to] = [scale(Math.min(...values)), scale(Math.max(...values))];
  const end = Math.max(scale(value), to);
  const shown = Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0);
  return [
    rect(x, y, scale(value), 18, colour),
    `<line class="r" x1="${px(x + from)}" y1="${y + 9}" x2="${px(x + to)}" y2="${y + 9}"/>`,
    text(x + end + 8, y + 14, shown, 'v'),
  ];
}

/** Lengths for values; nothing has none. */
function axis(values: readonly number[], length: number): (value: number) => number {
  const most = Math.max(...values, Number.MIN_VALUE);
  return (value) => Math.max(0, (value / most) * length);
}

function medians(sessions: readonly SessionReport[], way: Way): number[] {
  return sessions.flatMap((one) => (one[way].ms.length === 0 ? [] : [median(one[way].ms)]));
}

function rect(x: number, y: number, width: number, height: number, colour: string): string {
  return `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" fill="${colour}"/>`;
}

function text(x: number, y: number, words: string, style?: string): string {
  const look = style === undefined ? '' : ` class="${style}"`;
  return `<text${look} x="${px(x)}" y="${px(y)}">${words}</text>`;
}

function px(value: number): number {
  return Number(value.toFixed(1));
}
