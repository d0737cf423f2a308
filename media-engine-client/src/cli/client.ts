import { connectControl, isOffhookError, OffhookError } from '@offhook/common';
import {
  controlMethods,
  type ControlName,
  type ControlParams,
  type ControlResult,
} from '../control/api.ts';
import { controlSocket } from '../daemon-paths.ts';

const DEADLINE_MS = 10_000;

/**
 * Asks the running engine.
 *
 * @throws its OffhookError, or layer `control`: `not-reachable` when none runs, `timeout`.
 */
export async function ask<N extends ControlName>(
  stateDir: string,
  method: N,
  params: ControlParams<N>,
): Promise<ControlResult<N>> {
  const client = await connect(stateDir);
  try {
    const { result } = controlMethods[method];
    const answer = await client.call(method, params, { result, timeoutMs: DEADLINE_MS });
    return answer as ControlResult<N>;
  } finally {
    await client.close();
  }
}

async function connect(stateDir: string) {
  try {
    return await connectControl(controlSocket(stateDir));
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
    throw new OffhookError('control', error.code, `no engine runs with ${stateDir}`, {
      cause: error,
      remedy: 'start one with offhook-engine run, or name another --state-dir',
    });
  }
}
