import type { Clock, Logger } from '@offhook/common';
import type { GuestConfig } from '../config.ts';
import type { ControlEventName, ControlEvents } from '../control/api.ts';
import { HookEvents } from './hook-events.ts';
import { HookRunner } from './hook-runner.ts';

/** The commands that the configuration wants to be run when something happens. */
export class Hooks {
  readonly #hooks: GuestConfig['hook'];
  readonly #events = new HookEvents();
  readonly #runner: HookRunner;

  constructor(hooks: GuestConfig['hook'], parts: { clock: Clock; logger: Logger }) {
    this.#hooks = hooks;
    this.#runner = new HookRunner(parts.clock, parts.logger);
  }

  /** `make` is only asked when there are hooks at all. */
  offer<E extends ControlEventName>(event: E, make: () => ControlEvents[E]): void {
    if (this.#hooks.length === 0) return;
    const params = make();
    for (const happened of this.#events.of(event, params)) {
      for (const { event: wanted, command, timeout } of this.#hooks) {
        if (wanted !== happened) continue;
        const json = JSON.stringify({ event: happened, params });
        this.#runner.run({ event: happened, command, timeoutMs: timeout * 1000, json });
      }
    }
  }

  close(): Promise<void> {
    return this.#runner.close();
  }
}
