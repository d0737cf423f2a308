import { createLogger, describeError, guardProcess } from '@offhook/common';
import { defineEngineConfig, loadEngineConfig, type EngineConfig } from '../config.ts';
import { startDaemon } from '../daemon.ts';
import { workerPath, workerSocket } from '../daemon-paths.ts';
import { createGStreamerPlane } from '../gstreamer/index.ts';
import { exitCode } from '@offhook/common/cli';
import type { Context } from './output.ts';

/**
 * Runs until SIGTERM or SIGINT. Then calls end and the worker stops, unless calls are to be kept;
 * when the engine is killed, its worker plays on for the lease, and the next engine takes over.
 */
export async function run(
  { stateDir, config: configPath, output }: Context,
  { keepCalls, spice }: { keepCalls: boolean; spice: string | undefined },
): Promise<void> {
  const config = withDesktop(loadEngineConfig(configPath), spice);
  const logger = createLogger({ name: 'offhook-engine', level: config.engine.log_level });
  guardProcess(logger, exitCode.failed);
  const daemon = await startDaemon({
    config,
    stateDir,
    logger,
    createPlane: () =>
      createGStreamerPlane({
        workerPath: workerPath(),
        socketPath: workerSocket(stateDir),
        logger,
      }),
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    // Whoever asks twice means at once.
    if (stopping) process.exit(exitCode.failed);
    stopping = true;
    logger.info({ signal, keepCalls }, 'shutting down');
    daemon
      .close({ keepCalls })
      .catch((error: unknown) => logger.error({ reason: describeError(error) }, 'shut-down failed'))
      .finally(resolve);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  output.out('ready\n');
  await promise;
  process.exit(exitCode.ok);
}

/** The desktop of the command line instead of the configuration's. */
function withDesktop(config: EngineConfig, source: string | undefined): EngineConfig {
  if (source === undefined) return config;
  const { spice } = defineEngineConfig({ spice: { ...config.spice, source } });
  return { ...config, spice };
}
