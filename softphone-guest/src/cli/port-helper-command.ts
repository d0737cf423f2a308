import { createLogger, describeError, OffhookError, systemClock } from '@offhook/common';
import {
  openPortFile,
  peerProgram,
  startPortHelper,
  type AllowList,
} from '@offhook/virtual-channel/port';
import { loadAllowList } from '../port-config.ts';
import { helperSocket, portDevice } from '../port-helper.ts';

export interface PortHelperCommandOptions {
  readonly socket?: string | undefined;
  readonly allow?: string | undefined;
}

/** Runs until SIGTERM or SIGINT, or until the port is gone. */
export async function portHelper(name: string, options: PortHelperCommandOptions): Promise<void> {
  const allow = options.allow === undefined ? undefined : enforceable(options.allow);
  const logger = createLogger({ name: 'offhook-port', level: 'info' });
  const file = await openPortFile(portDevice(name));
  const helper = await startPortHelper({
    file,
    name,
    socketPath: options.socket ?? helperSocket(name),
    allow,
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

/** The list, if this installation can tell who connects: else nobody would come in. */
function enforceable(path: string): AllowList {
  const list = loadAllowList(path);
  if (peerProgram() !== undefined) return list;
  throw new OffhookError('channel', 'no-peer-program', 'offhook-peer is missing', {
    remedy: 'build it: npm run setup',
  });
}
