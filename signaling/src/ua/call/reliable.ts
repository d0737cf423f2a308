import type { Timer } from '@offhook/common';
import { T1, TRANSACTION_TIMEOUT, type SipCore } from '../core/sip-core.ts';
import type { Headers } from '../message/headers.ts';

/** RFC 3262 §7.2: `response-num CSeq-num Method`. */
export interface RAck {
  readonly rseq: number;
  readonly cseq: number;
  readonly method: string;
}

export function parseRAck(headers: Headers): RAck | undefined {
  const match = /^(\d{1,10})\s+(\d{1,10})\s+(\S+)$/.exec(headers.get('rack') ?? '');
  if (match === null) return undefined;
  return { rseq: Number(match[1]), cseq: Number(match[2]), method: match[3] ?? '' };
}

/** The RSeq of a provisional response that must be acknowledged; undefined for an ordinary one. */
export function reliableSequence(headers: Headers): number | undefined {
  if (!headers.tokens('require').includes('100rel')) return undefined;
  const rseq = /^\d{1,10}$/.exec(headers.get('rseq') ?? '');
  return rseq === null ? undefined : Number(rseq[0]);
}

/**
 * Our side of one INVITE's reliable provisional responses (RFC 3262 §3): numbered in order, one
 * unacknowledged at a time, sent again after T1, doubling, and given up after 64·T1.
 */
export class ReliableProvisionals {
  readonly #core: SipCore;
  readonly #gaveUp: () => void;
  #rseq: number;
  #pending: { rseq: number; acknowledged: () => void } | undefined;
  #timer: Timer | undefined;
  #queue: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `last`: the number that an earlier process has come to. */
  constructor(core: SipCore, gaveUp: () => void, last?: number) {
    this.#core = core;
    this.#gaveUp = gaveUp;
    this.#rseq = last ?? 1 + Math.floor(core.random.fraction() * 0xff_ffff);
  }

  /** Of the last response that was sent. */
  get rseq(): number {
    return this.#rseq;
  }

  /** Sends when those before are acknowledged; resolves when this one is. */
  send(transmit: (rseq: number) => void): Promise<void> {
    const acknowledged = this.#queue.then(() => this.#send(transmit));
    this.#queue = acknowledged;
    return acknowledged;
  }

  /** Resolves when nothing waits for a PRACK. */
  settled(): Promise<void> {
    return this.#queue;
  }

  /** Whether the PRACK acknowledges what is pending (else 481). */
  acknowledge(rack: RAck, inviteCSeq: number): boolean {
    const pending = this.#pending;
    if (pending === undefined || rack.rseq !== pending.rseq) return false;
    if (rack.cseq !== inviteCSeq || rack.method !== 'INVITE') return false;
    this.#timer?.cancel();
    this.#pending = undefined;
    pending.acknowledged();
    return true;
  }

  /** A final response is out: nothing is sent again (RFC 3262 §3). */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#pending?.acknowledged();
    this.#pending = undefined;
  }

  #send(transmit: (rseq: number) => void): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rseq += 1;
    const rseq = this.#rseq;
    this.#pending = { rseq, acknowledged: resolve };
    const deadline = this.#core.clock.now() + TRANSACTION_TIMEOUT;
    const again = (interval: number): void => {
      transmit(rseq);
      const left = deadline - this.#core.clock.now();
      this.#timer = this.#core.clock.after(Math.min(interval, left), () => {
        if (this.#core.clock.now() < deadline) again(2 * interval);
        else this.#gaveUp();
      });
    };
    again(T1);
    return promise;
  }
}
