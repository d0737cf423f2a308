import { isDeepStrictEqual } from 'node:util';
import { describeError, OffhookError, withDeadline, type Logger } from '@offhook/common';
import { isOver } from './call/model.ts';
import type { AccountConfig, GuestConfig } from './config.ts';
import type { Daemon } from './daemon.ts';

/** What a new configuration does to the lines, by their addresses of record. */
export interface AccountChanges {
  readonly added: string[];
  readonly removed: string[];
  /** Their settings are others. */
  readonly changed: string[];
}

export interface RunningDaemonParts {
  /** Reads the configuration as it is now. */
  readonly load: () => GuestConfig;
  readonly start: (config: GuestConfig, reload: () => Promise<AccountChanges>) => Promise<Daemon>;
  readonly logger: Logger;
  /** Neither the new configuration nor the one before could be started with. */
  readonly fatal: (error: unknown) => void;
}

/** A registrar that does not answer is not waited for longer. */
const UNREGISTER_MS = 5000;

/** A daemon that takes up a new configuration in the same process: calls and their sound go on. */
export class RunningDaemon {
  readonly #parts: RunningDaemonParts;
  #config: GuestConfig;
  #daemon: Daemon;
  /** Restarts, one after another. */
  #under: Promise<void> = Promise.resolve();
  #closing = false;

  private constructor(parts: RunningDaemonParts, config: GuestConfig, daemon: Daemon) {
    this.#parts = parts;
    this.#config = config;
    this.#daemon = daemon;
  }

  static async start(parts: RunningDaemonParts, config: GuestConfig): Promise<RunningDaemon> {
    const { promise, resolve } = Promise.withResolvers<RunningDaemon>();
    const reload = async () => (await promise).reload();
    const running = new RunningDaemon(parts, config, await parts.start(config, reload));
    resolve(running);
    return running;
  }

  get phone(): Daemon['phone'] {
    return this.#daemon.phone;
  }

  /**
   * Takes up what the configuration says now. Resolves before it does so, so that whoever asked by
   * the control socket hears of it; lines that are gone or different have been unregistered by then.
   *
   * @throws OffhookError of layer `config` when it cannot be used, and `{layer: 'call', code: 'busy'}`
   * when a line is to go that has a call. Nothing is changed then.
   */
  async reload(): Promise<AccountChanges> {
    await this.#under;
    const config = this.#parts.load();
    const changes = accountChanges(this.#config.account, config.account);
    this.#refuseIfBusy(changes.removed);
    await this.#unregister([...changes.removed, ...changes.changed]);
    setImmediate(() => void this.restart(config));
    return changes;
  }

  /** Starts anew with that configuration; with the one before where that does not work. */
  restart(config: GuestConfig): Promise<void> {
    this.#under = this.#restartAfter(this.#under, config);
    return this.#under;
  }

  async #restartAfter(before: Promise<void>, config: GuestConfig): Promise<void> {
    await before;
    if (this.#closing) return;
    await this.#daemon.close({ keepCalls: true });
    const { logger, fatal } = this.#parts;
    try {
      await this.#startWith(config);
      this.#config = config;
    } catch (error) {
      logger.error({ reason: describeError(error) }, 'the new configuration is not in force');
      await this.#startWith(this.#config).catch(fatal);
    }
  }

  /** See `Daemon.close`. */
  async close(options: { keepCalls: boolean }): Promise<void> {
    this.#closing = true;
    await this.#under;
    await this.#daemon.close(options);
  }

  async #startWith(config: GuestConfig): Promise<void> {
    this.#daemon = await this.#parts.start(config, () => this.reload());
  }

  #refuseIfBusy(removed: readonly string[]): void {
    const busy = this.phone.manager
      .list()
      .find(({ call }) => !isOver(call) && removed.includes(call.account));
    if (busy === undefined) return;
    throw new OffhookError(
      'call',
      'busy',
      `${busy.call.account} is to go, and has the call ${busy.id}`,
      { remedy: 'end that call, then reload' },
    );
  }

  async #unregister(aors: readonly string[]): Promise<void> {
    const lines = this.phone.lines.filter(({ config }) => aors.includes(config.aor));
    await Promise.all(
      lines.map(({ config, account }) =>
        withDeadline({ layer: 'signaling', what: 'the registrar', ms: UNREGISTER_MS }, () =>
          account.unregister(),
        ).catch((error: unknown) =>
          this.#parts.logger.warn(
            { account: config.aor, reason: describeError(error) },
            'a registration was not taken back',
          ),
        ),
      ),
    );
  }
}

export function accountChanges(
  before: readonly AccountConfig[],
  after: readonly AccountConfig[],
): AccountChanges {
  const was = new Map(before.map((one) => [one.aor, one]));
  const now = new Map(after.map((one) => [one.aor, one]));
  return {
    added: [...now.keys()].filter((aor) => !was.has(aor)),
    removed: [...was.keys()].filter((aor) => !now.has(aor)),
    changed: [...now].flatMap(([aor, one]) => {
      const old = was.get(aor);
      return old === undefined || isDeepStrictEqual(old, one) ? [] : [aor];
    }),
  };
}
