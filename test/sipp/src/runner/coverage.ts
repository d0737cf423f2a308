import type { Requirement } from './requirement.ts';
import type { Scenario } from './scenario.ts';

export interface Coverage {
  /** Cited, but nowhere written. */
  readonly unknown: readonly string[];
  /** Written, but cited by nothing. */
  readonly uncited: readonly string[];
  /** Ids that two scenarios have. */
  readonly duplicates: readonly string[];
}

/** Holds the scenarios against the requirements. */
export function coverage(
  scenarios: readonly Pick<Scenario, 'id' | 'requirements'>[],
  requirements: Readonly<Record<string, Requirement>>,
): Coverage {
  const cited = new Set<string>(scenarios.flatMap((scenario) => scenario.requirements));
  const ids = scenarios.map((scenario) => scenario.id);
  return {
    unknown: [...cited].filter((id) => !(id in requirements)),
    uncited: Object.keys(requirements).filter((id) => !cited.has(id)),
    duplicates: ids.filter((id, index) => ids.indexOf(id) !== index),
  };
}

/** One line for each thing that is wrong. */
export function complaints({ unknown, uncited, duplicates }: Coverage): string[] {
  return [
    ...unknown.map((id) => `requirement ${id} is cited, but is not in requirements.ts`),
    ...uncited.map((id) => `requirement ${id} is cited by no scenario`),
    ...duplicates.map((id) => `two scenarios have the id ${id}`),
  ];
}
