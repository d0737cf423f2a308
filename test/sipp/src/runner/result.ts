import type { Scenario } from './scenario.ts';

export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly message: string; readonly directory: string }
  | { readonly kind: 'skipped'; readonly reason: string };

export interface Result {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  readonly ms: number;
}

export function count(results: readonly Result[], kind: Outcome['kind']): number {
  return results.filter(({ outcome }) => outcome.kind === kind).length;
}
