import { createHash } from 'node:crypto';
import { Redis, ReplyError } from 'ioredis';
import { siteGone } from './errors.ts';

export interface RedisLinkOptions {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority to trust, for `rediss:`. */
  readonly ca?: string;
}

export type Word = string | number;

const CONNECT_MS = 2000;
const LAST_RETRY_MS = 500;

/**
 * A connection with Redis that comes back by itself. A command is sent once, on the connection of
 * the moment, or fails: one that is sent again later may come after what it was to precede.
 */
export class RedisLink {
  readonly #redis: Redis;
  /** Why there is no connection. */
  #reason = 'not connected yet';

  /** `timeoutMs`: for each command. `onChange`: there is another connection, or none. */
  constructor(options: RedisLinkOptions, timeoutMs: number, onChange: () => void) {
    const { url, username, password, ca } = options;
    this.#redis = new Redis(url, {
      protocol: 2,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_MS,
      commandTimeout: timeoutMs,
      retryStrategy: (times) => Math.min(times * 50, LAST_RETRY_MS),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { tls: { ca } }),
    });
    this.#redis.on('error', (error: Error) => {
      this.#reason = error.message;
    });
    this.#redis.on('ready', onChange);
    this.#redis.on('close', onChange);
  }

  /** @throws OffhookError `cti` `site-gone`; the command may have been done */
  async call(command: string, ...words: readonly Word[]): Promise<unknown> {
    try {
      return await this.#redis.call(command, ...words);
    } catch (error) {
      throw this.#gone(error);
    }
  }

  /** Runs a script. @throws OffhookError `cti` `site-gone`; the script may have been run */
  async run(script: string, keys: readonly string[], words: readonly Word[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...words];
    try {
      return await this.#redis.call('EVALSHA', hash(script), ...rest);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) {
        return this.call('EVAL', script, ...rest);
      }
      throw this.#gone(error);
    }
  }

  /** Idempotent. */
  close(): void {
    this.#redis.disconnect();
  }

  #gone(error: unknown): Error {
    const said = error instanceof Error ? error.message : String(error);
    const connected = this.#redis.status === 'ready' || error instanceof ReplyError;
    return siteGone(connected ? said : this.#reason, error);
  }
}

const hashes = new Map<string, string>();

function hash(script: string): string {
  const known = hashes.get(script) ?? createHash('sha1').update(script).digest('hex');
  hashes.set(script, known);
  return known;
}
