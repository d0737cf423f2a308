import type { LampInfo } from '../control/presence-schemas.ts';
import type { Effect } from './actions.ts';
import type { Action, CallAction } from './keys.ts';
import { focusOf, type PhoneState } from './state.ts';

/** What a key does to the calls; undefined when it does nothing just now. */
export function callAction(
  action: CallAction,
  state: PhoneState,
  focusedId: string | undefined,
): Effect | undefined {
  const focused = state.calls.find((call) => call.id === focusedId);
  const ringing =
    focused?.state === 'incoming' ? focused : state.calls.find((call) => call.state === 'incoming');
  switch (action) {
    case 'answer':
      return ringing && ((actions) => actions.answer(ringing.id));
    case 'reject':
      return ringing && ((actions) => actions.reject(ringing.id));
    case 'hangup':
      return focused && ((actions) => actions.hangup(focused.id));
    case 'hold':
      return focused?.state === 'established'
        ? (actions) => actions.hold(focused.id, !focused.held)
        : undefined;
    case 'mute':
      return focused && ((actions) => actions.mute(focused.id, !focused.muted));
    case 'swap':
      return (actions) => actions.swap();
    case 'join':
      return (actions) => actions.join();
    case 'leave':
      return focused === undefined || focused.conference === null
        ? undefined
        : (actions) => actions.leave(focused.id);
    case 'record':
      return focused?.state === 'established'
        ? (actions) => actions.record(focused.id, focused.recording === null ? 'start' : 'stop')
        : undefined;
    case 'pauseRecording': {
      const action = focused?.recording === 'paused' ? 'resume' : 'pause';
      return focused === undefined || focused.recording === null
        ? undefined
        : (actions) => actions.record(focused.id, action);
    }
    case 'pickup': {
      const lamp = ringingLamp(state);
      return lamp && ((actions) => actions.pickup(lamp));
    }
    case 'move':
      return focused && ((actions) => actions.move(focused.id));
    case 'mode': {
      const other = state.handset.mode === 'desk' ? 'soft' : 'desk';
      return state.handset.desk === null ? undefined : (actions) => actions.useHandset(other);
    }
    case 'redial':
      return (actions) => actions.redial();
    case 'disturb':
      return (actions) => actions.doNotDisturb(!state.doNotDisturb);
    default:
      return action satisfies never;
  }
}

function ringingLamp({ lamps }: PhoneState): LampInfo | undefined {
  return lamps.find((lamp) => lamp.state === 'ringing');
}

/** To what was typed, or, when that is nothing, to the one other call that is up. */
export function transfer(
  state: PhoneState,
  call: string | undefined,
  target: string,
): Effect | undefined {
  if (call === undefined) return undefined;
  if (target !== '') return (actions) => actions.transfer(call, { target });
  const [other, third] = state.calls.filter(
    (one) => one.state === 'established' && one.id !== call,
  );
  return other !== undefined && third === undefined
    ? (actions) => actions.transfer(call, { other: other.id })
    : undefined;
}

/** What can be done to the calls as they are. */
export function possible(state: PhoneState, focusedId: string | undefined): Set<Action> {
  const actions = new Set<Action>(['help', 'quit']);
  if (state.daemon.state !== 'connected') return actions;
  actions.add('dial').add('write');
  if (ringingLamp(state) !== undefined) actions.add('pickup');
  if (state.calls.some((call) => call.state === 'incoming')) {
    actions.add('answer').add('reject');
  }
  const focused = focusOf(state.calls, focusedId);
  if (focused !== undefined) actions.add('hangup').add('mute');
  if (focused?.state === 'established') actions.add('hold').add('transfer');
  if (focused?.state === 'established' && focused.at === 'soft') actions.add('record');
  if (focused !== undefined && focused.recording !== null) actions.add('pauseRecording');
  if (state.calls.some((call) => call.state === 'established' && call.held)) actions.add('swap');
  const up = state.calls.filter((call) => call.state === 'established');
  if (up.some(({ conference }) => conference === null) && up.length > 1) actions.add('join');
  if (focused !== undefined && focused.conference !== null) actions.add('leave');
  if (state.handset.desk !== null) {
    actions.add('mode');
    if (focused?.state === 'established' || focused?.state === 'incoming') actions.add('move');
  }
  return actions;
}
