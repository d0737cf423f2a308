import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Logger } from '@offhook/common';
import type { MediaEngine } from '@offhook/media-rpc';
import { defineEngineConfig, type EngineConfigInput } from './config.ts';
import { workerPath, workerSocket } from './daemon-paths.ts';
import { Engine } from './engine.ts';
import { createGStreamerPlane } from './gstreamer/index.ts';
import { noSettings } from './settings.ts';

export interface LocalEngineOptions {
  readonly config?: EngineConfigInput;
  readonly logger?: Logger;
  /** The worker's executable; the one that was built by default. */
  readonly workerPath?: string;
}

export interface LocalEngine {
  readonly engine: Engine;
  /** A guest inside this process; sessions of another instance are another guest's. */
  attach(instance?: string): MediaEngine;
  /** Ends its calls and its worker. Idempotent. */
  close(): Promise<void>;
}

/**
 * An engine inside this process, with a worker of its own and without channel, control socket or
 * state: for programs that need to make sound and are no thin client.
 *
 * @throws OffhookError of layer `worker` when the worker does not run.
 */
export async function openLocalEngine(options: LocalEngineOptions = {}): Promise<LocalEngine> {
  const { config, logger = silentLogger } = options;
  const directory = await mkdtemp(join(tmpdir(), 'offhook-engine-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const plane = await createGStreamerPlane({
      workerPath: options.workerPath ?? workerPath(),
      socketPath: workerSocket(directory),
      logger,
    });
    const engine = await Engine.start({
      plane,
      logger,
      config: defineEngineConfig(config),
      settings: noSettings,
    });
    return {
      engine,
      attach: (instance = 'local') => engine.attach({ instance, local: true }),
      async close() {
        await engine.close({ keepCalls: false });
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
