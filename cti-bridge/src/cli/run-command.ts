import { createLogger, describeError, guardProcess, systemClock } from '@offhook/common';
import { exitCode, type Output } from '@offhook/common/cli';
import { loadCtiConfig } from '../service/config.ts';
import { runBridge } from '../service/run-bridge.ts';

/** Serves until SIGTERM or SIGINT. */
export async function run(file: string, output: Output): Promise<void> {
  const config = loadCtiConfig(file);
  const logger = createLogger({ name: 'offhook-cti', level: config.log.level });
  guardProcess(logger, exitCode.failed);
  const running = await runBridge(config, { clock: systemClock, logger });
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, 'shutting down');
      running
        .close()
        .catch((error: unknown) =>
          logger.error({ reason: describeError(error) }, 'shut-down failed'),
        )
        .finally(resolve);
    });
  }
  logger.info({ url: running.url }, 'serving');
  output.out('ready\n');
  await promise;
  process.exit(exitCode.ok);
}
