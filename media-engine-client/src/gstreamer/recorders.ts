import { OffhookError, type Clock } from '@offhook/common';
import { z } from 'zod';
import type { RecordingConfig, RecordingEnd } from '../media-plane.ts';
import type { WorkerEvent } from './protocol.ts';
import { describeRecorder, farBuses } from './recorder-elements.ts';
import { ignoreGone } from './worker-errors.ts';
import type { WorkerLink } from './worker-link.ts';

const PREFIX = 'recording:';
/** How long a file may take to be finished before it is left as it is. */
const DRAIN_MS = 2000;

const tag = z.object({ leg: z.string(), file: z.string() });

interface Recorder {
  readonly file: string;
  far: string;
  /** While it is being stopped: settled when all is written. */
  ending?: PromiseWithResolvers<void>;
}

export interface RecordersOptions {
  readonly clock: Clock;
  /** Opens or closes the leg's taps, as `has` by then says. */
  readonly tap: (leg: string) => Promise<void>;
  /** By itself, and not by `stop`. */
  readonly onEnded: (end: RecordingEnd) => void;
}

/** Recordings of legs, each as a pipeline of its own. */
export class Recorders {
  readonly #link: WorkerLink;
  readonly #options: RecordersOptions;
  readonly #recorders = new Map<string, Recorder>();

  constructor(link: WorkerLink, options: RecordersOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** It is recorded now; no more once it is being stopped. */
  has(leg: string): boolean {
    const recorder = this.#recorders.get(leg);
    return recorder !== undefined && recorder.ending === undefined;
  }

  async start(config: RecordingConfig, hears: readonly string[]): Promise<void> {
    const { leg, file } = config;
    if (this.#recorders.has(leg))
      throw new OffhookError('engine', 'exists', `${leg} is recorded already`);
    const far = farBuses(leg, hears);
    this.#recorders.set(leg, { file, far });
    try {
      await this.#link.request('pipeline.play', {
        id: PREFIX + leg,
        tag: JSON.stringify({ leg, file }),
        description: describeRecorder(config, hears),
      });
    } catch (error) {
      this.#recorders.delete(leg);
      throw error;
    }
    await this.#options.tap(leg);
  }

  async pause(leg: string, paused: boolean): Promise<void> {
    if (this.has(leg)) await this.#set(leg, 'paused', String(paused));
  }

  /** The conference of the leg has changed. */
  async hears(leg: string, hears: readonly string[]): Promise<void> {
    const recorder = this.#recorders.get(leg);
    const far = farBuses(leg, hears);
    if (recorder === undefined || recorder.far === far) return;
    recorder.far = far;
    await this.#set(leg, 'far', far);
  }

  /** Writes what was heard until now and finishes the file; one that is not there is stopped already. */
  async stop(leg: string): Promise<void> {
    const recorder = this.#recorders.get(leg);
    if (recorder === undefined) return;
    if (recorder.ending !== undefined) return recorder.ending.promise;
    const ending = Promise.withResolvers<void>();
    recorder.ending = ending;
    let stuck = false;
    const timer = this.#options.clock.after(DRAIN_MS, () => {
      stuck = true;
      ending.resolve();
    });
    try {
      await this.#set(leg, 'end', 'true');
      await Promise.all([ending.promise, this.#options.tap(leg)]);
      const closed = this.#close(leg);
      // Where the disk stands still, it may take for ever.
      if (stuck) closed.catch(() => undefined);
      else await closed;
    } catch (error) {
      ignoreGone(error);
    } finally {
      timer.cancel();
      ending.resolve();
      this.#recorders.delete(leg);
    }
  }

  /** Takes over a pipeline that is one of these; false: it is none. */
  adopt(row: { readonly id: string; readonly tag: string }): boolean {
    if (!row.id.startsWith(PREFIX)) return false;
    const { leg, file } = tag.parse(JSON.parse(row.tag));
    this.#recorders.set(leg, { file, far: '' });
    return true;
  }

  list(): readonly { readonly leg: string; readonly file: string }[] {
    return [...this.#recorders].map(([leg, { file }]) => ({ leg, file }));
  }

  /** Hears what the worker tells of a pipeline; false: it is none of these. */
  heard({ pipeline, kind, message }: WorkerEvent & { event: 'pipeline' }): boolean {
    if (!pipeline.startsWith(PREFIX)) return false;
    const leg = pipeline.slice(PREFIX.length);
    const recorder = this.#recorders.get(leg);
    if (kind === 'warning' || recorder === undefined) return true;
    if (recorder.ending !== undefined) {
      recorder.ending.resolve();
      return true;
    }
    this.#recorders.delete(leg);
    void this.#close(leg).catch(() => undefined); // with the worker it is gone, too
    void this.#options.tap(leg).catch(() => undefined);
    this.#options.onEnded({ leg, reason: 'failed', message });
    return true;
  }

  /** The worker has died, and its pipelines with it. */
  lost(): void {
    const recorders = [...this.#recorders];
    this.#recorders.clear();
    for (const [leg, { ending }] of recorders)
      if (ending === undefined)
        this.#options.onEnded({ leg, reason: 'worker-lost', message: 'the media worker has died' });
  }

  async #set(leg: string, property: string, value: string): Promise<void> {
    const change = { id: PREFIX + leg, element: 'source', property, value };
    await this.#link.request('pipeline.set', change);
  }

  async #close(leg: string): Promise<void> {
    await this.#link.request('pipeline.close', { id: PREFIX + leg });
  }
}
