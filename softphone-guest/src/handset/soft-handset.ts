import type { CallManager, Line } from '../call/call-manager.ts';
import type { CallSession } from '../call/call-session.ts';
import { userOf } from '../call/dial-target.ts';
import type { RecordingAction } from '../call/recordings.ts';
import type { GuestConfig } from '../config.ts';
import type { PresenceBoard } from '../presence/presence.ts';
import { featureCode } from './feature-code.ts';
import type { Handset, PhoneCall, TransferUnderWay } from './handset.ts';

export interface SoftHandsetParts {
  readonly manager: CallManager;
  readonly presence: PresenceBoard;
  readonly lines: readonly Line[];
  readonly codes: GuestConfig['codes'];
}

/** The softphone: SIP calls whose sound is at the thin client. */
export class SoftHandset implements Handset {
  readonly place = 'soft';
  readonly #parts: SoftHandsetParts;

  constructor(parts: SoftHandsetParts) {
    this.#parts = parts;
  }

  list(): readonly CallSession[] {
    return this.#manager.list();
  }

  async dial(line: Line, target: string): Promise<PhoneCall> {
    return this.#manager.dial(line, target);
  }

  answer(id: string): Promise<void> {
    return this.#manager.answer(id);
  }

  async reject(id: string, how: { status: number; reason?: string | undefined }): Promise<void> {
    this.#manager.get(id).input({ ...how, type: 'reject' });
  }

  async redirect(id: string, targets: readonly string[]): Promise<void> {
    const session = this.#manager.get(id);
    const contacts = targets.map((target) => this.#targetOf(session, target));
    session.input({ type: 'reject', status: 302, contacts });
  }

  hangup(id: string): Promise<void> {
    return this.#manager.get(id).hangup();
  }

  hold(id: string, signal?: AbortSignal): Promise<void> {
    return this.#manager.get(id).hold(true, signal);
  }

  resume(id: string, signal?: AbortSignal): Promise<void> {
    return this.#manager.resume(id, signal);
  }

  swap(signal?: AbortSignal): Promise<PhoneCall> {
    return this.#manager.swap(signal);
  }

  async mute(id: string, muted: boolean): Promise<void> {
    this.#manager.get(id).input({ type: 'mute', muted });
  }

  dtmf(id: string, digits: string): Promise<void> {
    return this.#manager.get(id).dtmf(digits);
  }

  record(id: string, action: RecordingAction): Promise<void> {
    return this.#manager.get(id).recordAudio(action);
  }

  async transfer(id: string, target: string): Promise<TransferUnderWay> {
    const session = this.#manager.get(id);
    return { done: this.#manager.transfers.blind(session, this.#targetOf(session, target)) };
  }

  async attended(id: string, other: string): Promise<TransferUnderWay> {
    const { transfers } = this.#manager;
    return { done: transfers.attended(this.#manager.get(id), this.#manager.get(other)) };
  }

  async join(ids: readonly string[], signal?: AbortSignal): Promise<readonly PhoneCall[]> {
    const sessions = ids.map((id) => this.#manager.get(id));
    const { conferences } = this.#manager;
    await conferences.join(sessions, signal);
    const [first] = sessions;
    return first === undefined ? [] : conferences.of(first);
  }

  leave(id: string, signal?: AbortSignal): Promise<void> {
    return this.#manager.conferences.leave(this.#manager.get(id), signal);
  }

  async park(id: string): Promise<TransferUnderWay> {
    return this.transfer(id, featureCode(this.#parts.codes.park, 'park'));
  }

  /** By Replaces (RFC 3891) where the watched phone tells enough of the call, else by feature code. */
  async pickup(line: Line, extension: string | undefined): Promise<PhoneCall> {
    const { codes, presence } = this.#parts;
    if (extension === undefined) {
      return this.dial(line, featureCode(codes.group_pickup, 'group_pickup'));
    }
    const ringing = presence.lamps.ringingAt(this.#manager.targetOf(line, extension));
    return ringing === undefined
      ? this.dial(line, featureCode(codes.pickup, 'pickup', userOf(extension) || extension))
      : this.#manager.dial(line, ringing.caller, { replaces: ringing.replaces });
  }

  retrieve(line: Line, slot: string): Promise<PhoneCall> {
    const { retrieve = '{extension}' } = this.#parts.codes;
    return this.dial(line, featureCode(retrieve, 'retrieve', slot));
  }

  get #manager(): CallManager {
    return this.#parts.manager;
  }

  /** On the line that the call came by. */
  #targetOf({ call }: CallSession, target: string): string {
    const line = this.#parts.lines.find(({ config }) => config.aor === call.account);
    return line === undefined ? target : this.#manager.targetOf(line, target);
  }
}
