import type { SubscriptionState } from '../../event-api.ts';
import { backoffMs, isPermanent, refreshMs } from './backoff.ts';
import type { SubscriptionStateHeader } from './subscription-state.ts';

/**
 * A subscription as a pure machine (RFC 6665 §4.1). A refresh that fails, for whatever reason, is
 * followed by a new subscription in a new dialog, which resolves its target anew: that is the
 * fail-over. A first SUBSCRIBE that fails is tried again with patience, unless that is of no use.
 */
export interface Subscribing {
  readonly phase:
    | { readonly name: 'idle' }
    /** `fresh`: opens a dialog. */
    | { readonly name: 'sending'; readonly fresh: boolean }
    | { readonly name: 'up' }
    | { readonly name: 'waiting' }
    | { readonly name: 'leaving' }
    | { readonly name: 'ended' };
  /** Seconds to ask for. */
  readonly expires: number;
  /** What the notifier has said in the dialog in force; undefined before its first NOTIFY. */
  readonly told: 'pending' | 'active' | undefined;
  readonly failures: number;
  /** Wall clock of the dialog's first SUBSCRIBE. */
  readonly openedAt: number;
}

export type SubscribingInput =
  | { readonly type: 'start' }
  | { readonly type: 'refresh' }
  | { readonly type: 'stop' }
  | { readonly type: 'timer' }
  | { readonly type: 'accepted'; readonly seconds: number }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly minExpires: number | undefined;
      readonly retryAfter: number | undefined;
    }
  | { readonly type: 'notified'; readonly header: SubscriptionStateHeader };

export type SubscribingEffect =
  /** SUBSCRIBE in a new dialog; the one before is forgotten. */
  | { readonly type: 'open'; readonly seconds: number }
  /** SUBSCRIBE in the dialog; 0 seconds: good-bye. */
  | { readonly type: 'send'; readonly seconds: number }
  | { readonly type: 'drop' }
  | { readonly type: 'arm'; readonly ms: number }
  | { readonly type: 'disarm' }
  | { readonly type: 'report'; readonly state: SubscriptionState };

export interface SubscribingStep {
  readonly next: Subscribing;
  readonly effects: readonly SubscribingEffect[];
}

interface Around {
  readonly wall: number;
  /** In [0, 1). */
  readonly random: number;
}

/** RFC 6665 §4.1.2.4 Timer N, 64·T1: the first NOTIFY has to be there by then. */
const TIMER_N = 32_000;
/** A good-bye is waited for so long. */
const GOODBYE_MS = 2000;
/** A subscription that lasted that long was a success: what ended it is no sign of a loop. */
const LASTING_MS = 60_000;

/** Why a notifier ends a subscription for good (RFC 6665 §4.1.3). */
const FINAL: Readonly<Record<string, string>> = {
  rejected: 'declined',
  noresource: 'it does not exist any more',
  invariant: 'it will not change any more',
};

export function newSubscribing(expires: number): Subscribing {
  return { phase: { name: 'idle' }, expires, told: undefined, failures: 0, openedAt: 0 };
}

export function subscribingStep(
  at: Subscribing,
  input: SubscribingInput,
  around: Around,
): SubscribingStep {
  switch (input.type) {
    case 'start':
      return at.phase.name === 'idle' ? open(at, around) : same(at);
    case 'refresh':
      return refresh(at, around);
    case 'stop':
      return stop(at);
    case 'timer':
      return timer(at, around);
    case 'accepted':
      return accepted(at, input.seconds, around);
    case 'refused':
      return refused(at, input, around);
    case 'notified':
      return notified(at, input.header, around);
  }
}

function same(at: Subscribing): SubscribingStep {
  return { next: at, effects: [] };
}

function open(at: Subscribing, { wall }: Around): SubscribingStep {
  return {
    next: { ...at, phase: { name: 'sending', fresh: true }, told: undefined, openedAt: wall },
    effects: [
      { type: 'disarm' },
      { type: 'report', state: { state: 'subscribing' } },
      { type: 'open', seconds: at.expires },
    ],
  };
}

function refresh(at: Subscribing, around: Around): SubscribingStep {
  if (at.phase.name === 'waiting') return open({ ...at, failures: 0 }, around);
  if (at.phase.name !== 'up') return same(at);
  return {
    next: { ...at, phase: { name: 'sending', fresh: false } },
    effects: [{ type: 'disarm' }, { type: 'send', seconds: at.expires }],
  };
}

function stop(at: Subscribing): SubscribingStep {
  const { phase } = at;
  if (phase.name === 'leaving' || phase.name === 'ended') return same(at);
  const known = phase.name === 'up' || (phase.name === 'sending' && !phase.fresh);
  if (!known) return end(at, 200, 'unsubscribed');
  return {
    next: { ...at, phase: { name: 'leaving' } },
    effects: [
      { type: 'send', seconds: 0 },
      { type: 'arm', ms: GOODBYE_MS },
    ],
  };
}

function end(at: Subscribing, status: number, reason: string): SubscribingStep {
  return {
    next: { ...at, phase: { name: 'ended' } },
    effects: [
      { type: 'disarm' },
      { type: 'drop' },
      { type: 'report', state: { state: 'ended', status, reason } },
    ],
  };
}

function timer(at: Subscribing, around: Around): SubscribingStep {
  switch (at.phase.name) {
    case 'up':
      return at.told === undefined
        ? failed(at, 408, 'nothing was notified', undefined, around)
        : refresh(at, around);
    case 'waiting':
      return open(at, around);
    case 'leaving':
      return end(at, 200, 'unsubscribed');
    case 'idle':
    case 'sending':
    case 'ended':
      return same(at);
  }
}

function accepted(at: Subscribing, seconds: number, around: Around): SubscribingStep {
  if (at.phase.name !== 'sending') return same(at);
  const { wall, random } = around;
  const failures = at.phase.fresh ? at.failures : 0;
  const ms = refreshMs(seconds, random);
  const state = at.told ?? 'pending';
  return {
    next: { ...at, phase: { name: 'up' }, failures },
    effects: [
      { type: 'arm', ms: at.told === undefined ? Math.min(ms, TIMER_N) : ms },
      { type: 'report', state: { state, expiresAt: wall + seconds * 1000 } },
    ],
  };
}

function refused(
  at: Subscribing,
  input: Extract<SubscribingInput, { type: 'refused' }>,
  around: Around,
): SubscribingStep {
  const { phase } = at;
  if (phase.name === 'leaving') return end(at, 200, 'unsubscribed');
  if (phase.name !== 'sending') return same(at);
  const { status, reason, minExpires, retryAfter } = input;
  if (status === 423 && minExpires !== undefined && minExpires > at.expires) {
    const longer = { ...at, expires: minExpires };
    return phase.fresh
      ? open(longer, around)
      : { next: longer, effects: [{ type: 'send', seconds: minExpires }] };
  }
  if (!phase.fresh) return open(at, around);
  if (isPermanent(status)) return end(at, status, reason);
  return failed(at, status, reason, retryAfter, around);
}

function failed(
  at: Subscribing,
  status: number,
  reason: string,
  retryAfter: number | undefined,
  { wall, random }: Around,
): SubscribingStep {
  const failures = at.failures + 1;
  const ms = backoffMs(failures, random, retryAfter);
  return {
    next: { ...at, phase: { name: 'waiting' }, told: undefined, failures },
    effects: [
      { type: 'drop' },
      { type: 'arm', ms },
      { type: 'report', state: { state: 'waiting', status, reason, retryAt: wall + ms } },
    ],
  };
}

function notified(
  at: Subscribing,
  header: SubscriptionStateHeader,
  around: Around,
): SubscribingStep {
  const { name } = at.phase;
  if (header.state === 'terminated') return terminated(at, header, around);
  if (name !== 'up' && name !== 'sending') return same(at);
  const next: Subscribing = { ...at, told: header.state };
  // A refresh that is under way will tell how long it lasts.
  if (name === 'sending' || header.expires === undefined) {
    return at.told === undefined && name === 'up'
      ? { next, effects: [{ type: 'arm', ms: refreshMs(at.expires, around.random) }] }
      : { next, effects: [] };
  }
  const expiresAt = around.wall + header.expires * 1000;
  return {
    next,
    effects: [
      { type: 'arm', ms: refreshMs(header.expires, around.random) },
      { type: 'report', state: { state: header.state, expiresAt } },
    ],
  };
}

function terminated(
  at: Subscribing,
  { reason, retryAfter }: SubscriptionStateHeader,
  around: Around,
): SubscribingStep {
  const { name } = at.phase;
  if (name === 'leaving') return end(at, 200, 'unsubscribed');
  if (name !== 'up' && name !== 'sending') return same(at);
  const words = FINAL[reason ?? ''];
  if (words !== undefined) return end(at, 0, words);
  const lasting = around.wall - at.openedAt > LASTING_MS;
  const patient = reason === 'probation' || reason === 'giveup' || retryAfter !== undefined;
  const tried: Subscribing = { ...at, failures: lasting ? 0 : at.failures };
  if (!patient && (lasting || at.failures === 0)) {
    return open({ ...tried, failures: tried.failures + 1 }, around);
  }
  return failed(tried, 0, `ended by the notifier (${reason ?? 'no reason'})`, retryAfter, around);
}
