import { TIMER_D, type Effect, type SipTimers, type Step } from './timers.ts';

/**
 * A client transaction (RFC 3261 §17.1, RFC 6026) as far as the wire is concerned: repeats the
 * request, absorbs repeated responses, acknowledges repeated refusals. Deadlines that the user
 * sees (Timers B and F) are sip.js's; here they only end the bookkeeping.
 */
export interface ClientState {
  readonly kind: 'invite' | 'other';
  readonly reliable: boolean;
  readonly phase: 'trying' | 'proceeding' | 'accepted' | 'completed';
  /** The interval that runs or ran last, of Timer A or E. */
  readonly interval: number;
}

export type ClientInput =
  | { readonly input: 'response'; readonly status: number }
  /** The user's ACK of a non-2xx final response. */
  | { readonly input: 'ack' }
  /** A CANCEL for this INVITE left. */
  | { readonly input: 'cancelled' }
  | { readonly input: 'timer'; readonly timer: 'repeat' | 'life' };

export function startClient(
  kind: ClientState['kind'],
  reliable: boolean,
  timers: SipTimers,
): Step<ClientState> {
  const effects: Effect[] = [
    { do: 'send', what: 'request' },
    { do: 'start', timer: 'life', ms: 64 * timers.t1 },
  ];
  if (!reliable) effects.push({ do: 'start', timer: 'repeat', ms: timers.t1 });
  return { state: { kind, reliable, phase: 'trying', interval: timers.t1 }, effects };
}

export function stepClient(
  state: ClientState,
  input: ClientInput,
  timers: SipTimers,
): Step<ClientState> {
  switch (input.input) {
    case 'response':
      return state.kind === 'invite'
        ? inviteResponse(state, input.status, timers)
        : otherResponse(state, input.status, timers);
    case 'ack':
      return { state, effects: [{ do: 'send', what: 'ack' }] };
    case 'cancelled':
      // RFC 3261 §9.1: 64*T1 after the CANCEL the user gives the INVITE up.
      return { state, effects: [{ do: 'start', timer: 'life', ms: 64 * timers.t1 }] };
    case 'timer':
      return input.timer === 'life'
        ? { state, effects: [{ do: 'end' }] }
        : repeatRequest(state, timers);
  }
}

function repeatRequest(state: ClientState, timers: SipTimers): Step<ClientState> {
  // Timer A doubles without end; Timer E up to T2, and is T2 once a provisional has come.
  const doubled = state.interval * 2;
  const interval =
    state.kind === 'invite'
      ? doubled
      : state.phase === 'proceeding'
        ? timers.t2
        : Math.min(doubled, timers.t2);
  return {
    state: { ...state, interval },
    effects: [
      { do: 'send', what: 'request' },
      { do: 'start', timer: 'repeat', ms: interval },
    ],
  };
}

function inviteResponse(state: ClientState, status: number, timers: SipTimers): Step<ClientState> {
  if (state.phase === 'completed') {
    return { state, effects: status < 300 ? [{ do: 'absorb' }] : [{ do: 'send', what: 'ack' }] };
  }
  if (state.phase === 'accepted') {
    // sip.js acknowledges each 2xx, also those of other branches of a fork (RFC 6026 §7.2).
    return { state, effects: [{ do: status >= 200 && status < 300 ? 'deliver' : 'absorb' }] };
  }
  if (status < 200) {
    return {
      state: { ...state, phase: 'proceeding' },
      effects: [{ do: 'stop', timer: 'repeat' }, { do: 'stop', timer: 'life' }, { do: 'deliver' }],
    };
  }
  if (status < 300) {
    return {
      state: { ...state, phase: 'accepted' },
      effects: [
        { do: 'stop', timer: 'repeat' },
        { do: 'start', timer: 'life', ms: 64 * timers.t1 },
        { do: 'deliver' },
      ],
    };
  }
  // Timer D, also over a reliable transport: the user sends its ACK while it gets the response.
  return {
    state: { ...state, phase: 'completed' },
    effects: [
      { do: 'stop', timer: 'repeat' },
      { do: 'start', timer: 'life', ms: state.reliable ? timers.t4 : TIMER_D },
      { do: 'deliver' },
    ],
  };
}

function otherResponse(state: ClientState, status: number, timers: SipTimers): Step<ClientState> {
  if (state.phase === 'completed') return { state, effects: [{ do: 'absorb' }] };
  if (status < 200) {
    return { state: { ...state, phase: 'proceeding' }, effects: [{ do: 'deliver' }] };
  }
  const effects: Effect[] = [{ do: 'stop', timer: 'repeat' }, { do: 'deliver' }];
  // Timer K.
  effects.push(state.reliable ? { do: 'end' } : { do: 'start', timer: 'life', ms: timers.t4 });
  return { state: { ...state, phase: 'completed' }, effects };
}
