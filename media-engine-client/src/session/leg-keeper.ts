import { describeError, type Emitter, type Logger } from '@offhook/common';
import type { AudioRole } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import type {
  MediaPlane,
  MediaPlaneEvents,
  TransportAddress,
  VoiceProcessing,
} from '../media-plane.ts';
import type { Admission } from './admission.ts';
import type { LiveSession } from './live-session.ts';
import { isShared, liveSession, together } from './microphone.ts';
import type { SessionTable } from './session-table.ts';
import { holding, legConfig } from './view.ts';

/** What happens to sessions by themselves; who is told is decided above. */
export interface SessionEvents {
  /** There is one more, or one fewer. */
  listed: LiveSession;
  changed: LiveSession;
  renegotiate: { session: LiveSession; reason: 'srtp-counters-unknown' | 'address-changed' };
  dtmf: { session: LiveSession; digit: string; durationMs: number };
  /** The person here hung up. */
  hungUp: LiveSession;
}

export interface LegKeeperOptions {
  readonly plane: MediaPlane;
  readonly table: SessionTable;
  readonly config: EngineConfig;
  readonly admission: Admission;
  readonly logger: Logger;
  readonly events: Emitter<SessionEvents>;
  /** The devices that calls use now. */
  readonly device: (role: AudioRole) => string;
  /** What the voice is processed by now. */
  readonly voice: () => VoiceProcessing;
}

/** Keeps the worker's legs what the sessions say that they are, and hears what the worker reports. */
export class LegKeeper {
  readonly #options: LegKeeperOptions;
  #workerUp = true;
  readonly #unsubscribe: readonly (() => void)[];

  constructor(options: LegKeeperOptions) {
    this.#options = options;
    const { plane, table, events } = options;
    this.#unsubscribe = [
      plane.on('dtmf', ({ leg, digit, durationMs }) => {
        const session = table.bySockets(leg);
        if (session !== undefined) events.emit('dtmf', { session, digit, durationMs });
      }),
      plane.on('latched', ({ leg, remote }) => {
        const session = table.bySockets(leg);
        if (session !== undefined) this.#latched(session, remote);
      }),
      plane.on('worker', (event) => this.#workerChanged(event)),
    ];
  }

  /**
   * Brings every leg in line with its session, the devices and the microphone rule. Returns at once;
   * `LiveSession.leg` tells when one is in line, and if it could not be brought there.
   */
  settle(): void {
    const { table, device, voice, config, events } = this.#options;
    const shared = isShared(device('input')) || isShared(device('output'));
    const live = shared ? liveSession(table.all) : undefined;
    const jitterBufferMs = {
      min: config.audio.jitter_buffer_min,
      max: config.audio.jitter_buffer_max,
    };
    for (const session of table.all) {
      const background = live !== undefined && !together(session, live) && session.hasAudio;
      const moved = background !== session.background;
      session.background = background;
      const changed = session.setLeg(
        legConfig(session.data, session.surroundings, {
          sockets: session.sockets.id,
          input: device('input'),
          output: device('output'),
          voice: voice(),
          latching: session.latchingRefused ? 'off' : config.rtp.latching,
          jitterBufferMs,
          hears: confers(session)
            ? table.all
                .filter((other) => other !== session && confers(other) && together(session, other))
                .map((other) => other.sockets.id)
            : [],
        }),
      );
      if (changed) void this.#follow(session);
      if (moved) events.emit('changed', session);
    }
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** The guest sees a leg that could not be made as `recovering`, until it can. */
  async #follow(session: LiveSession): Promise<void> {
    const { table, logger, events } = this.#options;
    let failed = false;
    try {
      await session.leg;
    } catch (error) {
      failed = true;
      const reason = describeError(error);
      logger.warn({ session: session.id, reason }, 'the leg could not be changed');
    }
    const recovering = failed || !this.#workerUp;
    if (recovering === session.recovering || !session.hasAudio || !table.has(session)) return;
    session.recovering = recovering;
    events.emit('changed', session);
  }

  #latched(session: LiveSession, remote: TransportAddress): void {
    const { admission, logger, events } = this.#options;
    const refusal = admission.refusal(remote.address, session.data, session.guest);
    if (refusal === undefined) {
      session.sendingTo = remote;
    } else {
      logger.warn({ session: session.id, refusal }, 'source of media refused');
      session.latchingRefused = true;
      this.settle();
    }
    events.emit('changed', session);
  }

  #workerChanged({ state, countersUnknown }: MediaPlaneEvents['worker']): void {
    const { table, events } = this.#options;
    this.#workerUp = state === 'up';
    for (const session of table.all) {
      const recovering = state !== 'up' && session.hasAudio;
      const rekey = countersUnknown.includes(session.sockets.id);
      if (recovering === session.recovering && !rekey) continue;
      session.recovering = recovering;
      if (rekey) session.data = { ...session.data, rekey };
      events.emit('changed', session);
      if (rekey) events.emit('renegotiate', { session, reason: 'srtp-counters-unknown' });
    }
    if (state === 'up') this.settle();
  }
}

/** It takes part in its conference: one on hold is neither heard nor hears the others. */
function confers({ data, hasAudio }: LiveSession): boolean {
  const held = holding(data) || data.inForce?.agreement.direction === 'inactive';
  return data.conference !== undefined && hasAudio && !held;
}
