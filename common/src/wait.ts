import { OffhookError, type Layer } from './errors.ts';

/** Why the signal is aborted after the end; made once, because a stack trace each time costs. */
const FINISHED = new OffhookError('system', 'finished', 'what was waited for is over');

/**
 * Runs `work` with a deadline: its signal is aborted, and the returned promise rejects with
 * `{layer, code: 'timeout'}`, when `ms` milliseconds have passed; the outer signal aborts it too.
 */
export async function withDeadline<T>(
  options: { layer: Layer; what: string; ms: number; signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(
    () =>
      deadline.abort(
        new OffhookError(
          options.layer,
          'timeout',
          `${options.what} took longer than ${options.ms} ms`,
        ),
      ),
    options.ms,
  );
  const signal =
    options.signal === undefined
      ? deadline.signal
      : AbortSignal.any([deadline.signal, options.signal]);
  try {
    return await Promise.race([aborted(signal), work(signal)]);
  } finally {
    clearTimeout(timer);
    deadline.abort(FINISHED);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}
