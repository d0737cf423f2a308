import { TRYING_DELAY, type Effect, type SipTimers, type Step } from './timers.ts';

/**
 * A server transaction (RFC 3261 §17.2, RFC 6026) as far as the wire is concerned: answers
 * repeated requests, repeats refusals of an INVITE until the ACK, and sends 100 when the user is
 * slow. A 2xx to INVITE is repeated by its user (§13.3.1.4), over any transport.
 */
export interface ServerState {
  readonly kind: 'invite' | 'other';
  readonly reliable: boolean;
  readonly phase: 'waiting' | 'proceeding' | 'accepted' | 'completed' | 'confirmed';
  /** The interval of Timer G that runs. */
  readonly interval: number;
}

export type ServerInput =
  /** The same request again. */
  | { readonly input: 'request' }
  | { readonly input: 'ack' }
  /** The user's response. */
  | { readonly input: 'response'; readonly status: number }
  | { readonly input: 'timer'; readonly timer: 'repeat' | 'life' };

export function startServer(
  kind: ServerState['kind'],
  reliable: boolean,
  timers: SipTimers,
): Step<ServerState> {
  return {
    state: { kind, reliable, phase: 'waiting', interval: timers.t1 },
    effects: [
      kind === 'invite'
        ? { do: 'start', timer: 'repeat', ms: TRYING_DELAY }
        : // A peer gives up after Timer F; an answer after that finds nobody (RFC 4320 §4.1).
          { do: 'start', timer: 'life', ms: 64 * timers.t1 },
      { do: 'deliver' },
    ],
  };
}

export function stepServer(
  state: ServerState,
  input: ServerInput,
  timers: SipTimers,
): Step<ServerState> {
  switch (input.input) {
    case 'request':
      return repeatedRequest(state);
    case 'ack':
      return acknowledged(state, timers);
    case 'response':
      return state.kind === 'invite'
        ? inviteResponse(state, input.status, timers)
        : otherResponse(state, input.status, timers);
    case 'timer':
      return input.timer === 'life' ? { state, effects: [{ do: 'end' }] } : repeat(state, timers);
  }
}

function repeatedRequest(state: ServerState): Step<ServerState> {
  const answered = state.phase === 'proceeding' || state.phase === 'completed';
  return { state, effects: [answered ? { do: 'send', what: 'response' } : { do: 'absorb' }] };
}

function acknowledged(state: ServerState, timers: SipTimers): Step<ServerState> {
  if (state.phase === 'confirmed') return { state, effects: [{ do: 'absorb' }] };
  // After a 2xx the ACK is the user's; peers that send it on the INVITE's branch exist.
  if (state.phase !== 'completed') return { state, effects: [{ do: 'deliver' }] };
  return {
    state: { ...state, phase: 'confirmed' },
    effects: [
      { do: 'stop', timer: 'repeat' },
      { do: 'deliver' },
      // Timer I.
      state.reliable ? { do: 'end' } : { do: 'start', timer: 'life', ms: timers.t4 },
    ],
  };
}

function repeat(state: ServerState, timers: SipTimers): Step<ServerState> {
  if (state.phase === 'waiting') {
    return { state: { ...state, phase: 'proceeding' }, effects: [{ do: 'send', what: 'trying' }] };
  }
  // Timer G.
  const interval = Math.min(state.interval * 2, timers.t2);
  return {
    state: { ...state, interval },
    effects: [
      { do: 'send', what: 'response' },
      { do: 'start', timer: 'repeat', ms: interval },
    ],
  };
}

function inviteResponse(state: ServerState, status: number, timers: SipTimers): Step<ServerState> {
  const send: Effect = { do: 'send', what: 'response' };
  if (state.phase === 'accepted') {
    return { state, effects: status >= 200 && status < 300 ? [send] : [{ do: 'absorb' }] };
  }
  if (state.phase === 'completed' || state.phase === 'confirmed') {
    return { state, effects: [{ do: 'absorb' }] };
  }
  const stop: Effect = { do: 'stop', timer: 'repeat' };
  if (status < 200) return { state: { ...state, phase: 'proceeding' }, effects: [stop, send] };
  // Timers L and H.
  const life: Effect = { do: 'start', timer: 'life', ms: 64 * timers.t1 };
  if (status < 300) return { state: { ...state, phase: 'accepted' }, effects: [stop, send, life] };
  const effects: Effect[] = [stop, send, life];
  if (!state.reliable) effects.push({ do: 'start', timer: 'repeat', ms: timers.t1 });
  return { state: { ...state, phase: 'completed' }, effects };
}

function otherResponse(state: ServerState, status: number, timers: SipTimers): Step<ServerState> {
  if (state.phase === 'completed') return { state, effects: [{ do: 'absorb' }] };
  const send: Effect = { do: 'send', what: 'response' };
  if (status < 200) return { state: { ...state, phase: 'proceeding' }, effects: [send] };
  return {
    state: { ...state, phase: 'completed' },
    effects: [
      send,
      // Timer J.
      state.reliable ? { do: 'end' } : { do: 'start', timer: 'life', ms: 64 * timers.t1 },
    ],
  };
}
