import { OffhookError } from '@offhook/common';
import type { SipAnswer } from '../request-api.ts';
import type { ClientRequest, LoginRefusal } from './core/client-request.ts';
import type { DialogRequestHandlers } from './dialog/dialog-request.ts';
import { bodyOf, type SipResponse } from './message/message.ts';
import { loginInWords, reasonInWords } from './words.ts';

/** One request as a promise of its final answer; rejects with `no-answer` when there is none. */
export function answered(
  send: (handlers: DialogRequestHandlers) => ClientRequest,
  signal?: AbortSignal,
): Promise<SipAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SipAnswer>();
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
  const request = send({
    final: (response, _draft, login) => resolve(sipAnswer(response, login)),
    failed: ({ status, reason, error }) =>
      reject(error ?? new OffhookError('signaling', 'no-answer', reason, { details: { status } })),
  });
  const abort = (): void => {
    request.dispose();
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', abort, { once: true });
  const done = (): void => signal?.removeEventListener('abort', abort);
  return promise.finally(done);
}

function sipAnswer(response: SipResponse, login: LoginRefusal | undefined): SipAnswer {
  const { status, headers, reason } = response;
  return {
    status,
    reason: status < 300 ? reason : (loginInWords(login) ?? reasonInWords(status, headers, reason)),
    headers: (name) => headers.all(name.toLowerCase()),
    body: bodyOf(response),
  };
}
