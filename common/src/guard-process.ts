import { ListenerError } from './emitter.ts';
import type { Logger } from './log.ts';

/**
 * What a daemon does about errors that nobody caught: a failed listener or a forgotten promise is
 * logged and calls go on; anything else may have left things half done, so the process ends with
 * `exitCode` and its supervisor starts it anew.
 */
export function guardProcess(logger: Logger, exitCode: number): void {
  process.on('unhandledRejection', (error) =>
    logger.error({ err: error }, 'a rejection that nobody handled'),
  );
  process.on('uncaughtException', (error) => {
    if (error instanceof ListenerError) {
      logger.error({ err: error.cause }, error.message);
      return;
    }
    logger.error({ err: error }, 'an error that nobody caught; the process ends');
    process.exit(exitCode);
  });
}
