import { createLogger, describeError, systemClock } from '@offhook/common';
import { openPortFile, startPortHelper } from '@offhook/virtual-channel/port';
import { helperSocket, portDevice } from '../port-helper.ts';

/** Runs until SIGTERM or SIGINT, or until the port is gone. */
export async function portHelper(name: string): Promise<void> {
  const logger = createLogger({ name: 'offhook-port', level: 'info' });
  const file = await openPortFile(portDevice(name));
  const helper = await startPortHelper({
    file,
    name,
    socketPath: helperSocket(name),
    clock: systemClock,
    logger,
  });
  // Whoever started us may be gone by now.
  process.stdout.on('error', () => undefined);
  process.stdout.write('ready\n');
  const { promise, resolve } = Promise.withResolvers<void>();
  process.on('SIGTERM', resolve).on('SIGINT', resolve);
  const failure = await Promise.race([promise, helper.done]).then(
    () => undefined,
    (error: unknown) => error,
  );
  await helper.close();
  if (failure !== undefined) {
    logger.error({ reason: describeError(failure) }, 'the port is gone');
    throw failure;
  }
  // A thread of this process is blocked in the port, and an orderly exit would wait for it.
  process.kill(process.pid, 'SIGKILL');
}
