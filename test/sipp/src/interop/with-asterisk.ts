import type { RequirementId } from '../runner/requirements.ts';
import { scenario, type Scenario, type Setting } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';

/** A scenario with phones of its own at the Asterisk that all of them share. */
export function withAsterisk({
  engine,
  ...options
}: {
  readonly id: string;
  readonly title: string;
  readonly requirements?: readonly RequirementId[];
  readonly deadline?: number;
  /** Sections of the engine's configuration. */
  readonly engine?: Setting['engine'];
  readonly run: (stage: Stage) => Promise<void>;
}): Scenario[] {
  return scenario({
    deadline: 45_000,
    ...options,
    group: 'interop',
    requirements: ['interop.asterisk', ...(options.requirements ?? [])],
    setting: { phone: 'own', ...(engine !== undefined && { engine }) },
    needs: ['asterisk'],
  });
}
