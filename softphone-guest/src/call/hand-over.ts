import { execFile } from 'node:child_process';
import { OffhookError } from '@offhook/common';
import type { Call } from './model.ts';

const DEADLINE_MS = 30_000;

/** Runs the command that hands a call over to another device, with what identifies it in its environment. */
export function handOver(command: string, call: Call): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const env = {
    ...process.env,
    OFFHOOK_CALL: call.id,
    OFFHOOK_SIP_CALL_ID: call.sipCallId,
    OFFHOOK_ACCOUNT: call.account,
    OFFHOOK_REMOTE: call.remote.uri,
  };
  execFile('/bin/sh', ['-c', command], { env, timeout: DEADLINE_MS }, (error, _out, err) => {
    if (error === null) return resolve();
    const [reason = ''] = (err === '' ? error.message : err).trim().split('\n');
    return reject(new OffhookError('call', 'handover-failed', `the command failed: ${reason}`));
  });
  return promise;
}
