import type { Clock, Timer } from '@offhook/common';
import { mediaError, type ToneKind } from '@offhook/media-rpc';
import type { MediaPlane } from './media-plane.ts';
import { toneFor } from './tones.ts';

/** Ring, ringback, knocking and the tone of a call that just failed; more is a mistake. */
const MAX_TONES = 8;

export interface ToneBoardOptions {
  readonly plane: MediaPlane;
  readonly clock: Clock;
  /** Unique among the connections. */
  readonly owner: string;
  readonly country: string;
  readonly device: (role: 'output' | 'ringer') => string;
}

interface Playing {
  readonly kind: ToneKind;
  readonly what: string;
  readonly timer: Timer | undefined;
}

/**
 * The tones of one guest connection. They end with it: a tone of a phone that is not there tells
 * nothing, and a phone that comes back plays again what should sound.
 */
export class ToneBoard {
  readonly #options: ToneBoardOptions;
  readonly #playing = new Map<string, Playing>();

  constructor(options: ToneBoardOptions) {
    this.#options = options;
  }

  /** @throws `limit-reached`, or what the plane says of the device. */
  async play(tone: {
    id: string;
    kind: ToneKind;
    country?: string | undefined;
    durationMs?: number | undefined;
  }): Promise<void> {
    const { plane, clock, country, device } = this.#options;
    const what = JSON.stringify([tone.kind, tone.country, tone.durationMs]);
    const before = this.#playing.get(tone.id);
    if (before?.what === what && tone.durationMs === undefined) return;
    if (before === undefined && this.#playing.size >= MAX_TONES) {
      throw mediaError('limit-reached', `${MAX_TONES} tones are playing`);
    }
    before?.timer?.cancel();
    const timer =
      tone.durationMs === undefined
        ? undefined
        : clock.after(tone.durationMs, () => void this.stop(tone.id));
    this.#playing.set(tone.id, { kind: tone.kind, what, timer });
    try {
      const role = tone.kind === 'ring' ? 'ringer' : 'output';
      const cadence = toneFor(tone.kind, tone.country ?? country);
      await plane.playTone(this.#planeId(tone.id), cadence, device(role));
    } catch (error) {
      timer?.cancel();
      this.#playing.delete(tone.id);
      throw error;
    }
  }

  /** It rings, or knocks: a call waits to be taken. */
  get rings(): boolean {
    return [...this.#playing.values()].some(({ kind }) => ['ring', 'callwaiting'].includes(kind));
  }

  /** A tone that does not play is stopped already; one whose worker is gone, too. */
  async stop(id: string): Promise<void> {
    const playing = this.#playing.get(id);
    if (playing === undefined) return;
    playing.timer?.cancel();
    this.#playing.delete(id);
    try {
      await this.#options.plane.stopTone(this.#planeId(id));
    } catch {
      // Only a worker that is not there refuses, and it plays nothing.
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#playing.keys()].map((id) => this.stop(id)));
  }

  #planeId(id: string): string {
    return `${this.#options.owner}/${id}`;
  }
}
