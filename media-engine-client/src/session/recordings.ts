import {
  describeError,
  isOffhookError,
  withDeadline,
  type Clock,
  type Emitter,
  type Logger,
  type Timer,
} from '@offhook/common';
import { mediaError, type MethodParams, type RecordingEnd } from '@offhook/media-rpc';
import type { SessionRecording } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import type { MediaPlane, RecordingEnd as PlaneEnd } from '../media-plane.ts';
import type { SessionEvents } from './leg-keeper.ts';
import type { LiveSession } from './live-session.ts';
import { RateLimit } from './rate-limit.ts';
import { ended, endOf, isRecorded, recordingName, stepTo } from './recording.ts';
import type { RecordingFiles } from './recording-files.ts';
import type { SessionTable } from './session-table.ts';

/** How often it is looked whether a recording is too long or the disk too full. */
const WATCH_MS = 5000;
/** A disk that stands still must not hold up the call. */
const DISK_MS = 3000;
/** Recordings that may begin in a second: each is a file. */
const STARTS_PER_SECOND = 10;

export interface RecordingsOptions {
  readonly plane: MediaPlane;
  readonly policy: EngineConfig['recording'];
  readonly files: RecordingFiles;
  readonly table: SessionTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter<SessionEvents>;
  /** The session's record is written down. */
  readonly keep: (session: LiveSession) => Promise<void>;
}

type Wish = Pick<MethodParams<'session.record'>, 'state' | 'direction'>;

/** Recordings of sessions, within the policy of the thin client. */
export class Recordings {
  readonly #options: RecordingsOptions;
  readonly #unsubscribe: () => void;
  readonly #starts: RateLimit;
  #watch: Timer | undefined;
  #closed = false;

  constructor(options: RecordingsOptions) {
    this.#options = options;
    this.#starts = new RateLimit(STARTS_PER_SECOND, options.clock);
    this.#unsubscribe = options.plane.on('recordingEnded', (end) => this.#endedByItself(end));
  }

  /** Carries out what a guest wishes; the session is the caller's alone meanwhile. */
  async record(session: LiveSession, { state, direction }: Wish): Promise<void> {
    const { plane } = this.#options;
    const { recording } = session.data;
    const step = stepTo(recording, state);
    switch (step) {
      case 'nothing':
        return;
      case 'start':
        return this.#start(session, direction);
      case 'stop':
        return this.stop(session, 'guest');
      case 'pause':
      case 'resume':
        await plane.pauseRecording(session.sockets.id, step === 'pause');
        // It may have ended meanwhile.
        if (recording !== undefined && isRecorded(session.data.recording))
          await this.#become(session, { ...recording, state });
        return;
      default:
        return step satisfies never;
    }
  }

  /** Ends the recording of a session, if it has one; resolves when its file is whole. */
  async stop(session: LiveSession, reason: RecordingEnd): Promise<void> {
    const { plane, clock, logger } = this.#options;
    const { recording } = session.data;
    if (recording === undefined || !isRecorded(recording)) return;
    await this.#become(session, ended(recording, reason, clock.wall()));
    try {
      await plane.stopRecording(session.sockets.id);
    } catch (error) {
      // The worker is away, and with it the recording; the file is what it was.
      logger.warn({ session: session.id, reason: describeError(error) }, 'recording left');
    }
  }

  async stopAll(): Promise<void> {
    const { table } = this.#options;
    await Promise.all(table.all.map((session) => this.stop(session, 'call-ended')));
  }

  /** Brings in line what sessions say and what a worker has kept through the death of an engine. */
  async adopt(kept: readonly { readonly leg: string }[]): Promise<void> {
    const { plane, table, clock } = this.#options;
    for (const { leg } of kept) {
      const session = table.bySockets(leg);
      if (session === undefined || !isRecorded(session.data.recording))
        await plane.stopRecording(leg);
    }
    for (const session of table.all) {
      const { recording } = session.data;
      if (recording === undefined || !isRecorded(recording)) continue;
      if (kept.some(({ leg }) => leg === session.sockets.id)) this.#look();
      else await this.#become(session, ended(recording, 'worker-lost', clock.wall()));
    }
  }

  close(): void {
    this.#closed = true;
    this.#watch?.cancel();
    this.#unsubscribe();
  }

  async #start(session: LiveSession, direction: 'in' | 'out' | undefined): Promise<void> {
    const { plane, policy, files, clock, logger } = this.#options;
    if (!policy.allowed) {
      throw mediaError('not-allowed', 'This thin client does not allow recording', {
        remedy: 'set [recording] allowed = true in its configuration',
      });
    }
    if (!session.hasAudio) throw mediaError('wrong-state', 'The call has no audio yet');
    if (!this.#starts.take())
      throw mediaError('recording-failed', 'Too many recordings begin at once');
    const startedAt = clock.wall();
    const party = session.data.options.label;
    const name = recordingName({ at: new Date(startedAt), direction, party });
    const { format, channels } = policy;
    if ((await timely(() => files.freeMb())) < policy.min_free_mb) {
      throw mediaError('recording-failed', `Less than ${policy.min_free_mb} MiB are free`, {
        remedy: 'see [recording] min_free_mb in the configuration of the thin client',
      });
    }
    const { file, path } = await timely(() => files.create(name, format));
    const before = session.data.recording;
    // Known already when it ends while it begins.
    session.data = { ...session.data, recording: { state: 'recording', file, startedAt } };
    try {
      await session.inLine();
      await plane.startRecording({ leg: session.sockets.id, file: path, format, channels });
    } catch (error) {
      session.data = { ...session.data, recording: before };
      await files.discard(path).catch(() => undefined);
      const message = `The recording cannot begin: ${describeError(error)}`;
      throw mediaError('recording-failed', message, { cause: error });
    }
    logger.info({ session: session.id, file }, 'recording');
    if (session.data.recording !== undefined) await this.#become(session, session.data.recording);
    this.#look();
  }

  async #become(session: LiveSession, recording: SessionRecording): Promise<void> {
    const { logger, events, keep } = this.#options;
    session.data = { ...session.data, recording };
    if (recording.state === 'stopped') {
      const { file, seconds, reason } = recording;
      logger.info({ session: session.id, file, seconds, reason }, 'recording ended');
    }
    events.emit('changed', session);
    await keep(session);
  }

  #endedByItself({ leg, reason, message }: PlaneEnd): void {
    const { table, clock, logger } = this.#options;
    const session = table.bySockets(leg);
    const recording = session?.data.recording;
    if (session === undefined || recording === undefined || !isRecorded(recording)) return;
    logger.warn({ session: session.id, file: recording.file, message }, 'the recording has failed');
    const why = reason === 'failed' ? endOf(message) : reason;
    void this.#become(session, ended(recording, why, clock.wall()));
  }

  #look(): void {
    if (this.#watch !== undefined || this.#closed) return;
    this.#watch = this.#options.clock.after(WATCH_MS, () => {
      this.#watch = undefined;
      void this.#limit();
    });
  }

  async #limit(): Promise<void> {
    const { table, policy, files, clock } = this.#options;
    const recorded = table.all.filter(({ data }) => isRecorded(data.recording));
    if (recorded.length === 0 || this.#closed) return;
    const free = await timely(() => files.freeMb()).catch(() => Infinity);
    await Promise.all(
      recorded.map(async (session) => {
        const lasts = clock.wall() - (session.data.recording?.startedAt ?? 0);
        if (free < policy.min_free_mb) await this.stop(session, 'disk-full');
        else if (lasts > policy.max_minutes * 60_000) await this.stop(session, 'time-limit');
      }),
    );
    this.#look();
  }
}

async function timely<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline({ layer: 'engine', what: 'the disk', ms: DISK_MS }, work);
  } catch (error) {
    if (!isOffhookError(error, 'timeout')) throw error;
    throw mediaError('recording-failed', 'The disk of the recordings does not answer', {
      cause: error,
      remedy: 'see [recording] directory in the configuration of the thin client',
    });
  }
}
