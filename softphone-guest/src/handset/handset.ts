import type { SessionStats } from '@offhook/media-rpc';
import type { ReferralState } from '@offhook/signaling';
import type { Line } from '../call/call-manager.ts';
import type { Call, Place } from '../call/model.ts';
import type { RecordingAction } from '../call/recordings.ts';

/** A call, wherever its sound is. */
export interface PhoneCall {
  readonly id: string;
  readonly call: Call;
  /** The last statistics that were read; the sound of a desk phone is nobody's to measure. */
  readonly lastStats: SessionStats | undefined;
  stats(): Promise<SessionStats | undefined>;
  /** Resolves when `done` holds (true), or at the deadline or abort (false). */
  until(done: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean>;
}

/** A transfer that was asked for, and what becomes of it. */
export interface TransferUnderWay {
  readonly done: Promise<ReferralState>;
}

/**
 * What has calls and can be told what to do with them: the softphone, whose sound is at the thin
 * client, or the hardware phone on the desk.
 *
 * - Every command MUST reject with an OffhookError when it cannot be done; the calls are then as they
 *   were.
 * - What a handset cannot do at all MUST be refused with `not-supported` (layer `call`), in words that
 *   name the handset and what it lacks.
 * - Calls are named by their ids; an id that is not one of `list` is refused with `unknown-call`.
 */
export interface Handset {
  readonly place: Place;
  /** Calls that are not over, oldest first. */
  list(): readonly PhoneCall[];
  /** Places a call; `target` as a person dials it. Resolves when it is under way. */
  dial(line: Line, target: string): Promise<PhoneCall>;
  answer(id: string): Promise<void>;
  reject(id: string, how: { status: number; reason?: string | undefined }): Promise<void>;
  /** Sends a call that rings elsewhere: targets as a person dials them, tried in turn. */
  redirect(id: string, targets: readonly string[]): Promise<void>;
  hangup(id: string): Promise<void>;
  hold(id: string, signal?: AbortSignal): Promise<void>;
  resume(id: string, signal?: AbortSignal): Promise<void>;
  swap(signal?: AbortSignal): Promise<PhoneCall>;
  mute(id: string, muted: boolean): Promise<void>;
  dtmf(id: string, digits: string): Promise<void>;
  record(id: string, action: RecordingAction): Promise<void>;
  /** Hands the other party on. */
  transfer(id: string, target: string): Promise<TransferUnderWay>;
  /** Joins the other parties of two calls. */
  attended(id: string, other: string): Promise<TransferUnderWay>;
  /** Brings calls together; resolves with all that are together then. */
  join(ids: readonly string[], signal?: AbortSignal): Promise<readonly PhoneCall[]>;
  leave(id: string, signal?: AbortSignal): Promise<void>;
  park(id: string): Promise<TransferUnderWay>;
  /** Takes a call that rings at another phone, or in the group. */
  pickup(line: Line, extension: string | undefined): Promise<PhoneCall>;
  /** Takes a parked call. */
  retrieve(line: Line, slot: string): Promise<PhoneCall>;
}
