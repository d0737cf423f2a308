import type { Scope } from '@offhook/test-sipp';

export const ROWS = [
  'F1',
  'F2',
  'F3',
  'F4',
  'F5',
  'F6',
  'F7',
  'F8',
  'F9',
  'F10',
  'F11',
  'F12',
  'F13',
  'F14',
] as const;

export type RowId = (typeof ROWS)[number];

/** What one fault did to a call. */
export interface Measure {
  /** From what the far end received; undefined where the row has no such figure. */
  readonly gapMs?: number | undefined;
  /** From the fault, or from when control was possible again, to the first command that worked. */
  readonly controlMs?: number | undefined;
  /** Call, dialog and sound are what they were. */
  readonly survived: boolean;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Target {
  readonly gapMs?: number;
  readonly controlMs?: number;
}

export interface Context {
  /** An empty directory of this part. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly seed: number;
  /** What is used here is undone when the part is over. */
  readonly scope: Scope;
  readonly say: (line: string) => void;
}

/** One way in which a row of the table is tried: F4 over TLS, F5 with SRTP. */
export interface Part {
  readonly row: RowId | 'soak';
  /** Unique within its row. */
  readonly name: string;
  /** In the field's words. */
  readonly what: string;
  readonly target: Target;
  /** Milliseconds. */
  readonly deadline: number;
  /** Whether the suite of continuous integration has it: it is short, and no other part proves it. */
  readonly core: boolean;
  /** Whether the table has it; shortened ones stand for the long ones in continuous integration. */
  readonly inTable: boolean;
  /** Why it cannot run here; undefined when it can. */
  readonly missing?: () => Promise<string | undefined>;
  run(context: Context): Promise<Measure>;
}

export type Verdict =
  | { readonly kind: 'measured'; readonly measure: Measure; readonly shortfalls: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'not-run'; readonly reason: string };

/**
 * What a machine may be slower by that does other things as well. What is lost, and not merely late,
 * is no matter of speed: `survived` tells of that.
 */
export interface Slack {
  readonly gapMs: number;
  /** Times the target. */
  readonly control: number;
}

/** The targets as they are. */
const NO_SLACK: Slack = { gapMs: 0, control: 1 };

/** What keeps a measurement from its target; empty when it is met. */
export function shortfalls(
  target: Target,
  measure: Measure,
  slack: Slack = NO_SLACK,
): readonly string[] {
  const found: string[] = [];
  if (!measure.survived) found.push('the call did not survive');
  for (const figure of ['gapMs', 'controlMs'] as const) {
    const goal = target[figure];
    const value = measure[figure];
    if (goal === undefined) continue;
    const limit = figure === 'gapMs' ? goal + slack.gapMs : goal * slack.control;
    if (value === undefined) found.push(`${figure} was not measured`);
    else if (value > limit) found.push(`${figure} is ${value}, the limit is ${limit}`);
  }
  return found;
}
