import { createLogger, guardProcess } from '@offhook/common';
import { exitCode } from '@offhook/common/cli';
import { loadEngineConfig } from '../config.ts';
import { serveLink } from '../link/serve-link.ts';
import type { Context } from './output.ts';

/** Runs the link of one desktop until nobody attends it, or a signal. */
export async function runLink(
  { stateDir, config, output }: Context,
  { id, port }: { id: string; port: string },
): Promise<void> {
  const { log_level: level } = loadEngineConfig(config).engine;
  const logger = createLogger({ name: 'offhook-engine link', level });
  guardProcess(logger, exitCode.failed);
  const link = await serveLink({ stateDir, id, port, logger });
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  // The terminal or service that it was started from may go: it stays for whoever attends it.
  process.on('SIGHUP', () => undefined);
  output.out('ready\n');
  await Promise.race([promise, link.unattended]);
  await link.close();
  process.exit(exitCode.ok);
}
