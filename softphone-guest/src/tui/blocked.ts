import type { CallInfo } from '../control/schemas.ts';
import type { Action } from './keys.ts';
import { focusOf, type PhoneState } from './state.ts';

/**
 * What keys would do and the desk phone cannot, with the reasons: such a key is shown, and says why
 * instead of doing it.
 */
export function blocked(
  state: PhoneState,
  focusedId: string | undefined,
): ReadonlyMap<Action, string> {
  const { desk, mode } = state.handset;
  const reasons = new Map<Action, string>();
  if (desk === null) return reasons;
  const away = desk.state !== 'connected' && desk.state !== 'out-of-service';
  const focused = focusOf(state.calls, focusedId);
  const block = (action: Action, at: CallInfo['at'] | undefined, ...commands: string[]): void => {
    if (at !== 'desk') return;
    const why = commands.map((name) => desk.cannot.find(({ command }) => command === name)?.reason);
    const reason = away ? desk.text : why.every((one) => one !== undefined) ? why[0] : undefined;
    if (reason !== undefined) reasons.set(action, reason);
  };
  const ringing = focused?.state === 'incoming' ? focused : firstRinging(state);
  block('dial', mode, 'dial');
  block('redial', mode, 'dial');
  block('swap', mode, 'swap');
  block('join', mode, 'join');
  block('disturb', mode, 'disturb');
  block('answer', ringing?.at, 'answer');
  block('reject', ringing?.at, 'reject');
  block('hangup', focused?.at, 'hangup');
  block('hold', focused?.at, focused?.held === true ? 'resume' : 'hold');
  block('mute', focused?.at, 'mute');
  block('leave', focused?.at, 'leave');
  block('transfer', focused?.at, 'transfer', 'attended');
  if (focused?.state === 'established') block('digit', focused.at, 'dtmf');
  if (away) block('move', focused?.at);
  return reasons;
}

function firstRinging({ calls }: PhoneState): CallInfo | undefined {
  return calls.find((call) => call.state === 'incoming');
}
