/** Every colour on the screen. Nothing is said by colour alone; with NO_COLOR there is none. */
export interface Theme {
  readonly good: string | undefined;
  readonly warning: string | undefined;
  readonly bad: string | undefined;
  readonly accent: string | undefined;
  readonly incoming: string | undefined;
}

/**
 * Okabe and Ito's palette, whose colours people with any kind of colour blindness tell apart; terminals
 * with fewer colours get the nearest ones.
 */
const colourful: Theme = {
  good: '#56b4e9',
  warning: '#e69f00',
  bad: '#d55e00',
  accent: '#009e73',
  incoming: '#cc79a7',
};

const plain: Theme = {
  good: undefined,
  warning: undefined,
  bad: undefined,
  accent: undefined,
  incoming: undefined,
};

/** https://no-color.org: set and not empty. */
export function themeFor(env: Readonly<Record<string, string | undefined>>): Theme {
  return (env['NO_COLOR'] ?? '') === '' ? colourful : plain;
}

/**
 * The signs beside words. Those of the quiet screen are ASCII: only calls need the tables of Unicode,
 * whose loading would be half of the start.
 */
export const signs = {
  good: '*',
  busy: '~',
  off: '-',
  bad: '!',
  chosen: '>',
  levelOn: '█',
  levelOff: '░',
} as const;
