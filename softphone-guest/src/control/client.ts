import {
  connectControl,
  type ControlCallOptions,
  type ControlClient,
} from '@offhook/common/control-client';
import { isOffhookError, OffhookError } from '@offhook/common/errors';
import {
  controlMethods,
  type ControlInput,
  type ControlMethodName,
  type ControlResult,
} from './api.ts';
import type { Paths } from '../paths.ts';

/** A daemon, by its control socket, with the types of its method table. */
export class DaemonClient {
  readonly #control: ControlClient;

  constructor(control: ControlClient) {
    this.#control = control;
  }

  get control(): ControlClient {
    return this.#control;
  }

  async call<M extends ControlMethodName>(
    method: M,
    params: ControlInput<M>,
    options: ControlCallOptions = {},
  ): Promise<ControlResult<M>> {
    const { result } = controlMethods[method];
    return (await this.#control.call(method, params, { ...options, result })) as ControlResult<M>;
  }

  close(): Promise<void> {
    return this.#control.close();
  }
}

/** @throws OffhookError `{layer: 'control', code: 'not-reachable'}` with what to do about it. */
export async function connectDaemon(paths: Paths): Promise<DaemonClient> {
  try {
    return new DaemonClient(await connectControl(paths.control, { timeoutMs: 2000 }));
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
    throw new OffhookError('control', 'not-reachable', `no daemon at ${paths.control}`, {
      cause: error,
      remedy: 'start it with `offhook daemon`, or name another with --state-dir',
    });
  }
}

export async function withDaemon<T>(
  paths: Paths,
  work: (daemon: DaemonClient) => Promise<T>,
): Promise<T> {
  const daemon = await connectDaemon(paths);
  try {
    return await work(daemon);
  } finally {
    await daemon.close();
  }
}
