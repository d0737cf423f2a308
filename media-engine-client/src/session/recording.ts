import { mediaError, type RecordingEnd, type RecordingState } from '@offhook/media-rpc';
import type { SessionRecording } from '@offhook/media-rpc';

/** The recording of one session as plain data: what a wish leads to, and what it then is. */

/** What has to be done for a wish. */
export type RecordingStep = 'start' | 'pause' | 'resume' | 'stop' | 'nothing';

export function isRecorded(recording: SessionRecording | undefined): boolean {
  return recording !== undefined && recording.state !== 'stopped';
}

/** @throws `wrong-state`, `not-allowed`. */
export function stepTo(
  recording: SessionRecording | undefined,
  wanted: RecordingState,
): RecordingStep {
  const is = recording?.state ?? 'stopped';
  if (is === wanted) return 'nothing';
  switch (wanted) {
    case 'recording':
      if (is === 'paused') return 'resume';
      if (recording?.reason === 'person') {
        throw mediaError('not-allowed', 'The person at the thin client has ended the recording', {
          remedy: 'this call is not recorded again',
        });
      }
      return 'start';
    case 'paused':
      if (is === 'stopped') throw mediaError('wrong-state', 'The call is not recorded');
      return 'pause';
    case 'stopped':
      return 'stop';
    default:
      return wanted satisfies never;
  }
}

/** One that runs, ended at `now` (ms since the epoch). */
export function ended(
  recording: SessionRecording,
  reason: RecordingEnd,
  now: number,
): SessionRecording {
  const seconds = Math.max(0, Math.round((now - recording.startedAt) / 1000));
  return { ...recording, state: 'stopped', seconds, reason };
}

/** Why it has ended, by what the system said. */
export function endOf(message: string): RecordingEnd {
  return /no space|quota/iu.test(message) ? 'disk-full' : 'failed';
}

const MAX_PARTY = 40;

/**
 * The name of a recording's file without its extension: local date and time, direction and the other
 * party, of which only letters, digits and `+-@.` are left; it comes from outside.
 */
export function recordingName(facts: {
  readonly at: Date;
  readonly direction?: 'in' | 'out' | undefined;
  readonly party: string;
}): string {
  const { at, direction, party } = facts;
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('-');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('-');
  const kept = party
    .replace(/^sips?:/u, '')
    .replaceAll(/[^\p{L}\p{N}+@.-]+/gu, '_')
    .replaceAll(/\.{2,}/gu, '.');
  const name = Array.from(kept)
    .slice(0, MAX_PARTY)
    .join('')
    .replaceAll(/^[_.-]+|[_.-]+$/gu, '');
  return [date, time, ...(direction === undefined ? [] : [direction]), name || 'unknown'].join('_');
}
