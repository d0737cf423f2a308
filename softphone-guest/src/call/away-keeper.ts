import {
  describeError,
  type Clock,
  type EventSource,
  type Logger,
  type Timer,
} from '@offhook/common';
import type { AccountConfig } from '../config.ts';
import type { EngineStatus, MediaLinkEvents } from '../media-port.ts';
import { awayStep } from './away-policy.ts';
import type { Call } from './model.ts';

/** What the keeper needs of a call. */
export interface AwayCall {
  readonly id: string;
  readonly call: Call;
  readonly account: AccountConfig;
  /** Its session, as engines know it. */
  readonly media: { readonly id: string };
  hold(wanted: boolean): Promise<void>;
  hangup(): Promise<void>;
}

/** What the keeper needs of the engines. */
export interface AwayEngines extends Pick<EventSource<MediaLinkEvents>, 'on'> {
  readonly clientPresent: boolean;
  fallBack(ids: readonly string[]): boolean;
  holdOffline(id: string): boolean;
}

export interface AwayKeeperParts {
  readonly engines: AwayEngines;
  readonly calls: () => readonly AwayCall[];
  /** Hands the call on to the desk phone; rejects when it stays here. */
  readonly toDesk: (id: string) => Promise<void>;
  /** Runs the command of `handover`; rejects when it fails. */
  readonly run: (command: string, call: Call) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_MS = 500;

/** Does with calls what their accounts say while no thin client is there, and takes it back after. */
export class AwayKeeper {
  readonly #parts: AwayKeeperParts;
  readonly #off: () => void;
  #since: number | undefined;
  #leaseMs = Infinity;
  #timer: Timer | undefined;
  readonly #acted = new Set<string>();
  readonly #held = new Set<string>();
  readonly #fallen = new Set<string>();

  constructor(parts: AwayKeeperParts) {
    this.#parts = parts;
    this.#off = parts.engines.on('status', (status) => this.#statusChanged(status));
  }

  /** There may be a call to be looked after. */
  wake(): void {
    if (this.#since !== undefined) this.#timer ??= this.#later();
  }

  close(): void {
    this.#off();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#since = undefined;
  }

  #statusChanged(status: EngineStatus): void {
    const { engines, clock } = this.#parts;
    if (engines.clientPresent) {
      if (status.state === 'connected') this.#leaseMs = status.leaseMs;
      this.#back();
    } else if (this.#since === undefined) {
      this.#since = clock.now();
      this.wake();
    }
  }

  #later(): Timer {
    return this.#parts.clock.after(LOOK_MS, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #look(): void {
    const since = this.#since;
    if (since === undefined) return;
    const calls = this.#parts.calls().filter(({ call }) => call.phase === 'established');
    const awayMs = this.#parts.clock.now() - since;
    for (const one of calls) {
      const { id, account } = one;
      const step = awayStep({
        rule: account.away,
        awayMs,
        leaseMs: this.#leaseMs,
        acted: this.#acted.has(id),
        fallenBack: this.#fallen.has(id),
      });
      if (step === 'act') this.#act(one);
      else if (step === 'end') this.#end(one);
    }
    if (calls.length > 0) this.#timer = this.#later();
  }

  #act(one: AwayCall): void {
    const { engines, run, logger } = this.#parts;
    const { id, account, call } = one;
    const { policy, command } = account.away;
    if (policy === 'fallback') {
      // As long as there is no engine in the guest, it is looked for again.
      if (!engines.fallBack([one.media.id])) return;
      this.#fallen.add(id);
    } else if (policy === 'hold') {
      if (call.hold.wanted) return;
      if (!engines.holdOffline(one.media.id)) return;
      this.#held.add(id);
      this.#work(one, 'held', one.hold(true));
    } else if (policy === 'desk') {
      this.#work(one, 'handed over', this.#parts.toDesk(id));
    } else if (command !== undefined) {
      this.#work(one, 'handed over', run(command, call));
    }
    this.#acted.add(id);
    logger.warn({ call: id, policy }, 'no thin client is there');
  }

  #end(one: AwayCall): void {
    if (this.#acted.has(`end ${one.id}`)) return;
    this.#acted.add(`end ${one.id}`);
    this.#parts.logger.warn({ call: one.id }, 'no thin client came back: the call is ended');
    this.#work(one, 'ended', one.hangup());
  }

  /** What was done for the absence is undone; calls in the guest move by themselves. */
  #back(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#since = undefined;
    for (const one of this.#parts.calls()) {
      if (!this.#held.has(one.id) || one.call.phase !== 'established') continue;
      this.#work(one, 'resumed', one.hold(false));
    }
    this.#acted.clear();
    this.#held.clear();
    this.#fallen.clear();
  }

  #work({ id }: AwayCall, what: string, work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#parts.logger.warn({ call: id, reason: describeError(error) }, `not ${what}`),
    );
  }
}
