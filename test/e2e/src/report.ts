import { writeFileSync } from 'node:fs';
import { junit, type Outcome } from './junit.ts';
import type { Scenario } from './scenario.ts';

/**
 * What became of the scenarios. The file is right at any moment: a scenario counts as failed until it
 * has passed, so that a run that is cut off, or a guest that never boots, cannot look like success.
 */
export class Report {
  readonly #scenarios: readonly Scenario[];
  readonly #file: string | undefined;
  readonly #outcomes = new Map<Scenario, Outcome>();
  #reason = 'the run ended before it';

  constructor(scenarios: readonly Scenario[], file: string | undefined) {
    this.#scenarios = scenarios;
    this.#file = file;
    this.#write();
  }

  /** `failure` is undefined for a scenario that passed. */
  add(scenario: Scenario, ms: number, failure: string | undefined): void {
    this.#outcomes.set(scenario, { name: scenario.name, ms, failure });
    this.#write();
  }

  /** Nothing more runs, for that reason. */
  giveUp(reason: string): void {
    this.#reason = reason;
    this.#write();
  }

  get passed(): readonly Scenario[] {
    return this.#scenarios.filter((scenario) => {
      const outcome = this.#outcomes.get(scenario);
      return outcome !== undefined && outcome.failure === undefined;
    });
  }

  /** One line, and one with the ways of running that were proved. */
  summary(): string[] {
    const total = this.#scenarios.length;
    const [passed, notRun] = [this.passed, total - this.#outcomes.size];
    const failed = total - passed.length - notRun;
    const modes = [...new Set(passed.flatMap((scenario) => scenario.modes))];
    return [
      `e2e: modes that ran: ${modes.length === 0 ? 'none' : modes.join(', ')}`,
      `e2e: ${passed.length} of ${total} scenarios passed, ${failed} failed, ${notRun} did not run`,
    ];
  }

  #write(): void {
    if (this.#file === undefined) return;
    const outcomes = this.#scenarios.map(
      (scenario): Outcome =>
        this.#outcomes.get(scenario) ?? {
          name: scenario.name,
          ms: 0,
          failure: `did not run: ${this.#reason}`,
        },
    );
    writeFileSync(this.#file, junit('e2e', outcomes));
  }
}
