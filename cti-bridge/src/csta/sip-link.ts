import { OffhookError } from '@offhook/common';
import type { Account, SdpAgent, SipCall } from '@offhook/signaling';
import type { ConnectLink, CstaLink, CstaLinkHandlers } from './link.ts';
import { parseXml, writeXml } from './xml.ts';

export const CSTA_TYPE = 'application/csta+xml';

/**
 * uaCSTA (ECMA TR/87): a session without media, opened with RequestSystemStatus; services and events
 * go in INFO. A service's response comes in the 200 to its INFO, or in an INFO of the phone's own.
 */
export function sipLink(account: Account, target: string, namespace: string): ConnectLink {
  return async (handlers, signal) => {
    const content = writeXml('RequestSystemStatus', {}, namespace);
    const call = account.invite(target, NO_MEDIA, { body: { type: CSTA_TYPE, content } });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const off = [
      call.on('established', () => resolve()),
      call.on('ended', ({ status, reason }) =>
        reject(
          new OffhookError(
            'cti',
            'pbx-unreachable',
            `${target} refused uaCSTA: ${reason} (${status})`,
          ),
        ),
      ),
    ];
    try {
      await promise;
      return new SipLink(call, target, handlers);
    } catch (error) {
      void call.hangup();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      for (const one of off) one();
    }
  };
}

/** There are no descriptions in such a session; nobody asks for one. */
const NO_MEDIA: SdpAgent = {
  createOffer: () => Promise.reject(noMedia()),
  createAnswer: () => Promise.reject(noMedia()),
  acceptAnswer: () => Promise.reject(noMedia()),
  rollback: () => Promise.resolve(),
};

function noMedia(): OffhookError {
  return new OffhookError('cti', 'no-media', 'a uaCSTA session has no media');
}

class SipLink implements CstaLink {
  readonly #call: SipCall;
  readonly #target: string;
  readonly #handlers: CstaLinkHandlers;
  /** Requests whose INFO was answered without a body; responses carry no id, but come in order. */
  readonly #waiting: ((xml: string) => void)[] = [];
  /** One service at a time, so that a response that comes by itself is of the right one. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(call: SipCall, target: string, handlers: CstaLinkHandlers) {
    this.#call = call;
    this.#target = target;
    this.#handlers = handlers;
    call.onRequest('INFO', ({ body }) => {
      if (body?.type !== CSTA_TYPE) return undefined;
      this.#take(body.content);
      return { status: 200 };
    });
    call.on('ended', ({ reason }) => {
      if (this.#closed) return;
      this.#closed = true;
      handlers.onClose(
        new OffhookError('cti', 'pbx-gone', `${target} ended its session: ${reason}`),
      );
    });
  }

  request(xml: string, signal: AbortSignal): Promise<string> {
    const result = this.#last.then(() => this.#ask(xml, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#call.hangup();
  }

  async #ask(xml: string, signal: AbortSignal): Promise<string> {
    if (this.#closed) throw new OffhookError('cti', 'pbx-gone', `${this.#target} is gone`);
    const later = Promise.withResolvers<string>();
    const abort = () => later.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    later.promise.catch(() => undefined);
    this.#waiting.push(later.resolve);
    try {
      const body = { type: CSTA_TYPE, content: xml };
      const answer = await this.#call.request('INFO', { body, signal });
      if (answer.status >= 300) {
        const text = `${this.#target} refused: ${answer.reason} (${answer.status})`;
        throw new OffhookError('cti', 'pbx-refused', text);
      }
      if (answer.body?.type === CSTA_TYPE) return answer.body.content;
      return await later.promise;
    } finally {
      signal.removeEventListener('abort', abort);
      const at = this.#waiting.indexOf(later.resolve);
      if (at !== -1) this.#waiting.splice(at, 1);
    }
  }

  #take(xml: string): void {
    const answered = isResponse(xml) ? this.#waiting.shift() : undefined;
    if (answered === undefined) this.#handlers.onEvent(xml);
    else answered(xml);
  }
}

function isResponse(xml: string): boolean {
  try {
    const { name } = parseXml(xml);
    return name.endsWith('Response') || name === 'CSTAErrorCode';
  } catch {
    return false;
  }
}
