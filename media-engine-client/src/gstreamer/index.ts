import { systemClock, type Clock, type Logger } from '@offhook/common';
import type { MediaPlane } from '../media-plane.ts';
import { GStreamerPlane } from './plane.ts';

export interface GStreamerPlaneOptions {
  /** The executable `offhook-worker`. */
  readonly workerPath: string;
  /** Where the worker listens; one that does already is taken over. */
  readonly socketPath: string;
  /** How long the worker plays on without an engine, ms. A minute unless told otherwise. */
  readonly leaseMs?: number;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * The media plane on GStreamer: connects to the worker at `socketPath` or starts one.
 *
 * @throws OffhookError `worker/not-started` when that cannot be done
 */
export async function createGStreamerPlane(options: GStreamerPlaneOptions): Promise<MediaPlane> {
  const plane = new GStreamerPlane({
    workerPath: options.workerPath,
    socketPath: options.socketPath,
    leaseMs: options.leaseMs ?? 60_000,
    logger: options.logger,
    clock: options.clock ?? systemClock,
  });
  try {
    await plane.open();
  } catch (error) {
    await plane.close({ stopWorker: true });
    throw error;
  }
  return plane;
}
