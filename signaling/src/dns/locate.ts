import { OffhookError, type Clock } from '@offhook/common';
import type { SipResolver, TransportName } from '../api.ts';
import { isNumeric, parseHopUri, unroutable } from './next-hop.ts';
import {
  planTargets,
  type NaptrRecord,
  type PlannedTarget,
  type Question,
  type SrvRecord,
} from './plan.ts';

export interface LocatedTarget extends PlannedTarget {
  readonly tlsName?: string | undefined;
}

export interface LocatorOptions {
  readonly resolver: SipResolver;
  readonly clock: Clock;
  readonly fraction: () => number;
  readonly usable: readonly TransportName[];
  /** For all questions of one URI together. */
  readonly deadlineMs?: number;
  /** How long an answer is kept, and with it the random choice among equals. */
  readonly keepMs?: number;
}

/** NAPTR, SRV, A/AAAA: three rounds, and one to find that there is nothing left to ask. */
const MAX_ROUNDS = 4;
const MAX_TARGETS = 32;
const MAX_QUESTIONS = 32;
const MAX_KEPT = 256;

interface Kept {
  readonly until: number;
  readonly targets: Promise<readonly LocatedTarget[]>;
}

/**
 * RFC 3263 with DNS behind it. What failed lately is tried last: `demote` is told so by whoever
 * sent there.
 */
export class Locator {
  readonly #options: Required<LocatorOptions>;
  readonly #kept = new Map<string, Kept>();
  readonly #demoted = new Map<string, number>();

  constructor(options: LocatorOptions) {
    this.#options = { deadlineMs: 8000, keepMs: 300_000, ...options };
  }

  /** Where to send, in order; rejects with `no-route` when there is nowhere. */
  async locate(uri: string, signal?: AbortSignal): Promise<readonly LocatedTarget[]> {
    signal?.throwIfAborted();
    const hop = parseHopUri(uri);
    const key = JSON.stringify(hop);
    const now = this.#options.clock.now();
    let kept = this.#kept.get(key);
    if (kept === undefined || kept.until <= now) {
      kept = { until: now + this.#options.keepMs, targets: this.#ask(uri) };
      const mine = kept;
      mine.targets.catch(() => {
        // A failure is not kept: the next request asks again.
        if (this.#kept.get(key) === mine) this.#kept.delete(key);
      });
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      this.#kept.set(key, mine);
    }
    const targets = await (signal === undefined
      ? kept.targets
      : unlessAborted(kept.targets, signal));
    return this.#failedLast(targets);
  }

  /** Puts a target behind the others for `ms`. */
  demote(target: PlannedTarget, ms: number): void {
    if (this.#demoted.size >= MAX_KEPT) this.#demoted.clear();
    this.#demoted.set(targetKey(target), this.#options.clock.now() + ms);
  }

  /** The target answered: it is as good as any. */
  restore(target: PlannedTarget): void {
    this.#demoted.delete(targetKey(target));
  }

  #failedLast(targets: readonly LocatedTarget[]): readonly LocatedTarget[] {
    const now = this.#options.clock.now();
    const until = (target: LocatedTarget): number => {
      const at = this.#demoted.get(targetKey(target)) ?? 0;
      return at > now ? at : 0;
    };
    return targets.toSorted((a, b) => until(a) - until(b));
  }

  async #ask(uri: string): Promise<readonly LocatedTarget[]> {
    const { clock, deadlineMs } = this.#options;
    const late = Promise.withResolvers<never>();
    const timer = clock.after(deadlineMs, () =>
      late.reject(
        new OffhookError('signaling', 'dns-timeout', `DNS did not answer about ${uri} in time`, {
          remedy: 'check the name server',
        }),
      ),
    );
    try {
      return await Promise.race([this.#rounds(uri), late.promise]);
    } finally {
      timer.cancel();
      late.promise.catch(() => undefined);
    }
  }

  async #rounds(uri: string): Promise<readonly LocatedTarget[]> {
    const hop = parseHopUri(uri);
    const records = {
      naptr: new Map<string, readonly NaptrRecord[]>(),
      srv: new Map<string, readonly SrvRecord[]>(),
      addresses: new Map<string, readonly string[]>(),
    };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const plan = planTargets(hop, records, this.#options.usable, this.#options.fraction);
      if ('targets' in plan) {
        if (plan.targets.length === 0) throw unroutable(uri, 'DNS knows no address for it');
        const tlsName = hop.domain;
        return plan.targets
          .slice(0, MAX_TARGETS)
          .map((target) => (target.transport === 'tls' ? { ...target, tlsName } : target));
      }
      await Promise.all(
        plan.ask.map(async (question, at) => {
          const answer = at < MAX_QUESTIONS ? await this.#query(question) : [];
          (records[question.type] as Map<string, readonly unknown[]>).set(question.name, answer);
        }),
      );
    }
    throw unroutable(uri, 'its DNS records lead nowhere');
  }

  async #query(question: Question): Promise<readonly unknown[]> {
    const { resolver } = this.#options;
    try {
      switch (question.type) {
        case 'naptr':
          return await resolver.naptr(question.name);
        case 'srv':
          return await resolver.srv(question.name);
        case 'addresses': {
          const found = await resolver.addresses(question.name);
          return found.filter(isNumeric);
        }
      }
    } catch {
      // No such record, or no answer: both mean that this way is closed (RFC 3263 §4.1).
      return [];
    }
  }
}

function targetKey(target: PlannedTarget): string {
  return `${target.transport}/${target.address}/${target.port}`;
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
