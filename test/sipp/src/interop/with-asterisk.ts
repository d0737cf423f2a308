import type { RequirementId } from '../runner/requirements.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';

/** A scenario with phones of its own at the Asterisk that all of them share. */
export function withAsterisk(options: {
  readonly id: string;
  readonly title: string;
  readonly requirements?: readonly RequirementId[];
  readonly deadline?: number;
  readonly run: (stage: Stage) => Promise<void>;
}): Scenario[] {
  return scenario({
    deadline: 45_000,
    ...options,
    group: 'interop',
    requirements: ['interop.asterisk', ...(options.requirements ?? [])],
    setting: { phone: 'own' },
    needs: ['asterisk'],
  });
}
