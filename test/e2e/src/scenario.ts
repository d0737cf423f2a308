import type { Stage } from './stage.ts';

export interface Scenario {
  readonly name: string;
  /** Ways of running that it proves beside others: `TLS`, `seamless migration`. */
  readonly modes: readonly string[];
  run(stage: Stage): Promise<void>;
}
