import { isOffhookError, OffhookError } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import { deviceFailure } from './device-fallback.ts';

/** Failures of the worker in the words of the contract. */
export function translate(error: unknown): unknown {
  if (!(error instanceof OffhookError) || error.layer !== 'worker') return error;
  switch (error.code) {
    case 'limit':
      return mediaError('limit-reached', error.message, { cause: error });
    case 'failed':
      return deviceFailure(error) === undefined
        ? error
        : mediaError('device-failed', error.message, { cause: error });
    case 'closed':
    case 'timeout':
      return mediaError('worker-down', error.message, { cause: error });
    default:
      return error;
  }
}

export function rethrow(error: unknown): never {
  throw translate(error);
}

/** What a dead worker held is closed already. */
export function ignoreGone(error: unknown): void {
  if (!isOffhookError(error, 'closed')) throw translate(error);
}
