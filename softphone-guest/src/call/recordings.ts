import { isDeepStrictEqual } from 'node:util';
import { OffhookError } from '@offhook/common';
import type { RecordingState, SessionRecording } from '@offhook/media-rpc';
import type { Call } from './model.ts';

/** The recordings of one call, as the engine tells of the last one. Pure. */

/** Of one call that are remembered. */
const MOST = 32;

type Recordings = readonly SessionRecording[];

/** The one that runs, or is paused. */
export function runningRecording(recordings: Recordings): SessionRecording | undefined {
  const last = recordings.at(-1);
  return last === undefined || last.state === 'stopped' ? undefined : last;
}

/** With what the engine says of the last one; the same list when that is nothing new. */
export function withRecording(
  recordings: Recordings,
  told: SessionRecording | undefined,
): Recordings {
  const last = recordings.at(-1);
  if (told === undefined || isDeepStrictEqual(told, last)) return recordings;
  const before = last?.file === told.file ? recordings.slice(0, -1) : recordings;
  return [...before, told].slice(-MOST);
}

/** What a person or a script asks for. */
export type RecordingAction = 'start' | 'pause' | 'resume' | 'stop';

/** What the engine is asked for. @throws `wrong-state`: nobody shall believe that a pause has begun. */
export function wishOf(call: Call, action: RecordingAction): RecordingState {
  const running = runningRecording(call.recordings)?.state;
  const fits: Readonly<Record<RecordingAction, boolean>> = {
    start: call.phase === 'established' && running !== 'paused',
    pause: running !== undefined,
    resume: running !== undefined,
    stop: running !== undefined,
  };
  if (fits[action]) {
    return ({ start: 'recording', pause: 'paused', resume: 'recording', stop: 'stopped' } as const)[
      action
    ];
  }
  const is =
    running === 'paused'
      ? 'its recording is paused'
      : running === undefined && action !== 'start'
        ? 'it is not recorded'
        : `it is ${call.phase}`;
  throw new OffhookError(
    'call',
    'wrong-state',
    `cannot ${action} recording call ${call.id}: ${is}`,
    {
      ...(running === 'paused' && { remedy: 'resume it' }),
    },
  );
}

/** The engine that recorded is gone, and cannot say any more that it has ended. */
export function withoutRecorder(recordings: Recordings): Recordings {
  const running = runningRecording(recordings);
  return running === undefined
    ? recordings
    : withRecording(recordings, { ...running, state: 'stopped', reason: 'worker-lost' });
}
