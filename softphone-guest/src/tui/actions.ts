import type { RecordingAction } from '../call/recordings.ts';
import type { LampInfo } from '../control/presence-schemas.ts';
import type { List } from './state.ts';

/** What a key leads to beside the screen. */
export type Effect = (actions: PhoneActions) => void;

/** What a person at the screen can do; failures come back as a notice. */
export interface PhoneActions {
  /** On that line, or on the usual one. */
  dial(target: string, account?: string): void;
  answer(call: string): void;
  reject(call: string): void;
  hangup(call: string): void;
  hold(call: string, held: boolean): void;
  mute(call: string, muted: boolean): void;
  dtmf(call: string, digits: string): void;
  swap(): void;
  /** Brings all calls into a conference. */
  join(): void;
  leave(call: string): void;
  record(call: string, action: RecordingAction): void;
  /** To a target, or to the other party of the second call. */
  transfer(call: string, to: { target: string } | { other: string }): void;
  /** To the other handset. */
  move(call: string): void;
  useHandset(handset: 'soft' | 'desk'): void;
  redial(): void;
  /** Takes the call that rings at a watched phone. */
  pickup(lamp: LampInfo): void;
  message(to: string, text: string, account?: string): void;
  doNotDisturb(on: boolean): void;
  register(account: string, wanted: boolean): void;
  selectDevice(role: 'input' | 'output' | 'ringer', id: string): void;
  /** Fetches a list, and keeps it up to date from then on. */
  load(list: List): void;
  /** Leaves the screen; calls go on. */
  quit(): void;
  /** Says why something cannot be done. */
  tell(reason: string): void;
  /** Takes the notice away. */
  dismiss(): void;
}
