import { OffhookError, type EventSource, type OffhookErrorOptions } from '@offhook/common';
import {
  mediaErrors,
  type MediaErrorCode,
  type MediaEvents,
  type MethodInput,
  type MethodName,
  type MethodParams,
  type MethodResult,
} from './contract.ts';

/** A failure named by the contract: `layer` is `engine`, `code` one of `mediaErrors`. */
export function mediaError(
  code: MediaErrorCode,
  detail: string = mediaErrors[code],
  options?: OffhookErrorOptions,
): OffhookError {
  return new OffhookError('engine', code, detail, options);
}

/**
 * What serves the contract: the GStreamer engine, the fake one, later the in-guest one. One
 * instance serves one guest connection's view; parameters arrive validated. It MUST reject only
 * with `mediaError(...)`s of that method's row; anything else is reported as an internal error.
 */
export interface MediaEngine extends EventSource<MediaEvents> {
  handle<M extends MethodName>(
    method: M,
    params: MethodParams<M>,
    context: { signal: AbortSignal },
  ): Promise<MethodResult<M>>;
}

/**
 * The guest's view of an engine, wherever it runs. `call` rejects with the contract's errors, with
 * `{layer: 'channel', code: 'closed'}` when the connection goes before the answer, and with
 * `{layer: 'rpc', code: 'timeout'}` past its deadline (10 s unless told otherwise). An event that the
 * engine sends after a response is told after whoever awaits the response has run, so that a
 * subscription made then misses nothing.
 */
export interface MediaClient extends EventSource<MediaEvents & MediaClientEvents> {
  call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<MethodResult<M>>;
  close(): Promise<void>;
}

export interface MediaClientEvents {
  /** The link is gone; the reason when it is an error. Once, last of all. */
  closed: Error | undefined;
}
