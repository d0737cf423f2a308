import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createLogger, describeError, guardProcess, systemClock } from '@offhook/common';
import { exitCode } from '@offhook/common/cli';
import { connectEngine, createUserAgent } from '../adapters.ts';
import { loadGuestConfig, type GuestConfig } from '../config.ts';
import { startDaemon } from '../daemon.ts';
import { RunningDaemon, type AccountChanges } from '../running-daemon.ts';
import { instanceId } from '../journal/instance.ts';
import { loadSqlite } from '../journal/sqlite.ts';
import { provisionedConfig, watchProvisioning } from '../provisioning/watch.ts';
import type { Context } from './call-commands.ts';

const RANDOM_STEPS = 2 ** 47;
const SAME_SIGNAL_MS = 500;

/**
 * Runs until SIGTERM or SIGINT; then calls are ended, unless they are to be kept, lines unregistered,
 * sockets closed.
 */
export async function daemon(
  { paths, output }: Context,
  { keepCalls = false }: { keepCalls?: boolean } = {},
): Promise<void> {
  const first = await provisionedConfig(paths.config);
  const logger = createLogger({ name: 'offhook', level: first.log.level });
  guardProcess(logger, exitCode.failed);
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  const start = (config: GuestConfig, reload: () => Promise<AccountChanges>) =>
    startDaemon({
      config,
      paths,
      clock: systemClock,
      random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
      logger,
      createUserAgent,
      connectEngine: connectEngine(config, instanceId(paths.stateDir)),
      sqlite: loadSqlite,
      reload,
    });
  const load = () => loadGuestConfig(paths.config);
  const fatal = (error: unknown) => {
    logger.error({ reason: describeError(error) }, 'the phone cannot go on');
    process.exit(exitCode.failed);
  };
  const running = await RunningDaemon.start({ load, start, logger, fatal }, first);
  const watch = watchProvisioning(paths.config, first.provisioning, {
    logger,
    clock: systemClock,
    idle: () => running.phone.handsets.list().length === 0,
    restart: async () => running.restart(load()),
  });
  const parts = { config: first.desktop, paths, clock: systemClock, logger, env: process.env };
  // Calls do not wait for the bus of the desktop.
  const desktop = import('../desktop/desktop.ts').then(({ openDesktop }) => openDesktop(parts));
  const { promise, resolve } = Promise.withResolvers<void>();
  let askedAt: number | undefined;
  const stop = (signal: NodeJS.Signals) => {
    const now = systemClock.now();
    if (askedAt !== undefined) {
      // Whoever asks twice means at once; but one Ctrl-C can come by several ways.
      if (now - askedAt > SAME_SIGNAL_MS) process.exit(exitCode.failed);
      return;
    }
    askedAt = now;
    logger.info({ signal }, 'shutting down');
    watch
      .close()
      .then(() => desktop)
      .then((open) => open?.close())
      .then(() => running.close({ keepCalls }))
      .catch((error: unknown) => logger.error({ reason: describeError(error) }, 'shut-down failed'))
      .finally(resolve);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  output.out('ready\n');
  await promise;
  // Nothing is left that matters; a socket that lingers must not keep the process.
  process.exit(exitCode.ok);
}
