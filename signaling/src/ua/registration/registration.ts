import type { RegistrationState } from '../../api.ts';

/**
 * The registration of one account as a pure machine: what to send and when, over several registrars,
 * without sockets and timers. Times are milliseconds; `now` is monotonic, `wall` for people.
 */
export interface RegistrationConfig {
  readonly registrars: readonly string[];
  /** Seconds that we ask for. */
  readonly expires: number;
}

type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'sending'; readonly registrar: number; readonly expires: number }
  | { readonly name: 'registered'; readonly registrar: number; readonly expires: number }
  /** Refused or unreachable: the timer is running. */
  | { readonly name: 'waiting'; readonly expires: number }
  /** Only the user can go on: wrong password. */
  | { readonly name: 'stopped' }
  | { readonly name: 'leaving' };

export interface Registration {
  readonly phase: Phase;
  /** Rounds over all registrars that have failed since the last success. */
  readonly failures: number;
  /** Index of the registrar at which the current round began. */
  readonly roundStart: number;
}

export type RegistrationInput =
  | { readonly type: 'start' }
  /** 2xx with the seconds granted. */
  | { readonly type: 'accepted'; readonly seconds: number }
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly reason: string;
      /** Seconds. */
      readonly minExpires?: number | undefined;
      readonly retryAfter?: number | undefined;
    }
  /** No registrar behind this URI answered. */
  | { readonly type: 'unreachable'; readonly reason: string }
  | { readonly type: 'timer' }
  /** The connection is gone, or our address has changed. */
  | { readonly type: 'flow-lost' }
  /**
   * The registrar has taken the binding back (RFC 3680 §4.1). `retryAfter`: seconds until it may be
   * made anew, 0 for at once; undefined: only when the person asks for it.
   */
  | {
      readonly type: 'removed';
      readonly reason: string;
      readonly retryAfter: number | undefined;
    }
  | { readonly type: 'stop' }
  /** The unregistration is answered, or given up. */
  | { readonly type: 'left' };

export type RegistrationEffect =
  | { readonly type: 'register'; readonly registrar: string; readonly seconds: number }
  | { readonly type: 'unregister'; readonly registrar: string }
  /** Replaces the timer that runs. */
  | { readonly type: 'arm'; readonly ms: number }
  | { readonly type: 'disarm' }
  | { readonly type: 'report'; readonly state: RegistrationState };

export interface Surroundings {
  readonly wall: number;
  /** In [0, 1). */
  readonly random: number;
}

export const initialRegistration: Registration = {
  phase: { name: 'idle' },
  failures: 0,
  roundStart: 0,
};

/** RFC 5626 §4.5: seconds; doubled for each failed round, of which half to all is waited. */
const BACKOFF_BASE = 4;
const BACKOFF_MAX = 1800;
/** Seconds; whoever is to stay away for longer is told so by the refusal of the next try. */
const LONGEST_PROBATION = 86_400;

export interface Step {
  readonly next: Registration;
  readonly effects: readonly RegistrationEffect[];
}

export function registrationStep(
  config: RegistrationConfig,
  at: Registration,
  input: RegistrationInput,
  around: Surroundings,
): Step {
  switch (input.type) {
    case 'start':
      return begin(config, at);
    case 'stop':
      return leave(config, at);
    case 'left':
      return at.phase.name === 'leaving' ? settle({ state: 'unregistered' }) : same(at);
    case 'timer':
    case 'flow-lost':
      return again(config, at, input.type);
    case 'removed':
      return removed(config, at, input, around);
    case 'accepted':
      return accepted(config, at, input.seconds, around);
    case 'refused':
      return refused(config, at, input, around);
    case 'unreachable':
      return failed(config, at, 0, input.reason, undefined, around);
  }
}

function same(at: Registration): Step {
  return { next: at, effects: [] };
}

function settle(state: RegistrationState): Step {
  return { next: initialRegistration, effects: [{ type: 'disarm' }, { type: 'report', state }] };
}

function begin(config: RegistrationConfig, at: Registration): Step {
  const { name } = at.phase;
  if (name === 'sending' || name === 'registered') return same(at);
  const step = send(config, { ...at, failures: 0, roundStart: 0 }, 0, config.expires);
  return {
    ...step,
    effects: [{ type: 'report', state: { state: 'registering' } }, ...step.effects],
  };
}

function send(config: RegistrationConfig, at: Registration, index: number, expires: number): Step {
  const registrar = config.registrars[index] ?? '';
  return {
    next: { ...at, phase: { name: 'sending', registrar: index, expires } },
    effects: [{ type: 'disarm' }, { type: 'register', registrar, seconds: expires }],
  };
}

/** The timer, or a lost connection: the same registrar first. */
function again(config: RegistrationConfig, at: Registration, why: 'timer' | 'flow-lost'): Step {
  const { phase } = at;
  switch (phase.name) {
    case 'registered':
      return send(config, { ...at, roundStart: phase.registrar }, phase.registrar, phase.expires);
    case 'waiting':
      return why === 'timer'
        ? send(config, { ...at, roundStart: 0 }, 0, phase.expires)
        : // A new network deserves a try at once.
          send(config, { ...at, roundStart: 0, failures: 0 }, 0, phase.expires);
    case 'idle':
    case 'sending':
    case 'stopped':
    case 'leaving':
      return same(at);
  }
}

function removed(
  config: RegistrationConfig,
  at: Registration,
  { reason, retryAfter }: Extract<RegistrationInput, { type: 'removed' }>,
  { wall }: Surroundings,
): Step {
  if (at.phase.name !== 'registered') return same(at);
  const { registrar, expires } = at.phase;
  if (retryAfter === 0) {
    const step = send(config, { ...at, roundStart: registrar }, registrar, expires);
    return {
      ...step,
      effects: [{ type: 'report', state: { state: 'registering' } }, ...step.effects],
    };
  }
  const failed: RegistrationState = { state: 'failed', status: 0, reason };
  if (retryAfter === undefined) {
    return {
      next: { ...initialRegistration, phase: { name: 'stopped' } },
      effects: [{ type: 'disarm' }, { type: 'report', state: failed }],
    };
  }
  const ms = Math.min(retryAfter, LONGEST_PROBATION) * 1000;
  return {
    next: { ...initialRegistration, phase: { name: 'waiting', expires } },
    effects: [
      { type: 'arm', ms },
      { type: 'report', state: { ...failed, retryAt: wall + ms } },
    ],
  };
}

function accepted(
  config: RegistrationConfig,
  at: Registration,
  seconds: number,
  around: Surroundings,
): Step {
  if (at.phase.name !== 'sending') return same(at);
  const { registrar, expires } = at.phase;
  // Between half and three quarters: early enough for a retry, spread over many phones.
  const ms = Math.max(1, seconds) * 1000 * (0.5 + around.random / 4);
  const state: RegistrationState = {
    state: 'registered',
    expiresAt: around.wall + seconds * 1000,
    registrar: config.registrars[registrar] ?? '',
  };
  return {
    next: { phase: { name: 'registered', registrar, expires }, failures: 0, roundStart: registrar },
    effects: [
      { type: 'arm', ms },
      { type: 'report', state },
    ],
  };
}

function refused(
  config: RegistrationConfig,
  at: Registration,
  input: Extract<RegistrationInput, { type: 'refused' }>,
  around: Surroundings,
): Step {
  if (at.phase.name !== 'sending') return same(at);
  const { status, reason, minExpires } = input;
  if (status === 423 && minExpires !== undefined && minExpires > at.phase.expires) {
    return send(config, at, at.phase.registrar, minExpires);
  }
  if (status === 401 || status === 403 || status === 407) {
    // Trying on would lock the account, and would not make the password right.
    return {
      next: { ...initialRegistration, phase: { name: 'stopped' } },
      effects: [{ type: 'disarm' }, { type: 'report', state: { state: 'failed', status, reason } }],
    };
  }
  return failed(config, at, status, reason, input.retryAfter, around);
}

function failed(
  config: RegistrationConfig,
  at: Registration,
  status: number,
  reason: string,
  retryAfter: number | undefined,
  around: Surroundings,
): Step {
  if (at.phase.name !== 'sending') return same(at);
  const { registrar, expires } = at.phase;
  const following = (registrar + 1) % config.registrars.length;
  if (following !== at.roundStart) return send(config, at, following, expires);
  const failures = at.failures + 1;
  const upper = Math.min(BACKOFF_MAX, BACKOFF_BASE * 2 ** Math.min(failures, 20));
  const seconds = Math.max(retryAfter ?? 0, upper * (0.5 + around.random / 2));
  const ms = Math.round(seconds * 1000);
  return {
    next: { phase: { name: 'waiting', expires }, failures, roundStart: 0 },
    effects: [
      { type: 'arm', ms },
      {
        type: 'report',
        state: { state: 'failed', status, reason, retryAt: around.wall + ms },
      },
    ],
  };
}

function leave(config: RegistrationConfig, at: Registration): Step {
  const { phase } = at;
  if (phase.name === 'leaving') return same(at);
  if (phase.name !== 'registered' && phase.name !== 'sending') {
    return settle({ state: 'unregistered' });
  }
  return {
    next: { ...at, phase: { name: 'leaving' } },
    effects: [
      { type: 'disarm' },
      { type: 'unregister', registrar: config.registrars[phase.registrar] ?? '' },
    ],
  };
}
