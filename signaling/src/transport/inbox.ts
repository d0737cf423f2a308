import type { Core } from 'sip.js';
import type { Logger } from '@offhook/common';
import { LazyCoreMessage, MalformedMessage, parseForCore } from './core-parse.ts';
import { headerValue, type RequestHead, type ResponseHead } from './head.ts';
import type { Endpoint, Flow, IncomingRequest, MessageHandler } from './layer.ts';

/** Why a message was not taken. */
export interface NotTaken {
  readonly status: 400 | 500;
  readonly reason: string;
}

/** Hands messages to the user of the layer, whose errors end here. */
export class Inbox {
  handler: MessageHandler | undefined;
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  request(head: RequestHead, body: string, branch: string, flow: Flow): NotTaken | undefined {
    return this.#hand(head.method, () =>
      this.handler?.request(requestEvent(head, body, branch, flow)),
    );
  }

  /** `via` is what sip.js wrote into the request; the one on the wire if it did not send it. */
  response(
    head: ResponseHead,
    body: string,
    from: {
      via: string;
      flow: Flow | undefined;
      seenAs: Endpoint | undefined;
      matched: boolean;
    },
  ): NotTaken | undefined {
    const { via, ...rest } = from;
    const core = new LazyCoreMessage(() => parseForCore(head, via, body, false));
    const what = `${head.status} ${headerValue(head, 'cseq') ?? ''}`;
    return this.#hand(what, () =>
      this.handler?.response({
        head,
        body,
        branch: /;branch=([^;\s]+)/.exec(via)?.[1] ?? '',
        ...rest,
        get message() {
          return core.get() as Core.IncomingResponseMessage;
        },
      }),
    );
  }

  #hand(what: string, act: () => void): NotTaken | undefined {
    try {
      act();
      return undefined;
    } catch (error) {
      if (error instanceof MalformedMessage) return { status: 400, reason: error.message };
      const why = error instanceof Error ? error.message : String(error);
      this.#logger.error({ message: what, error: why }, 'handling a SIP message failed');
      return { status: 500, reason: 'Server Internal Error' };
    }
  }
}

export function requestEvent(
  head: RequestHead,
  body: string,
  branch: string,
  flow: Flow,
): IncomingRequest {
  const secure = flow.transport === 'tls';
  const core = new LazyCoreMessage(() => parseForCore(head, coreVia(branch), body, secure));
  return {
    head,
    body,
    branch,
    flow,
    get message() {
      return core.get() as Core.IncomingRequestMessage;
    },
  };
}

/** The Via that sip.js sees: only the branch means anything to it. */
export function coreVia(branch: string): string {
  return `SIP/2.0/UDP offhook.invalid;branch=${branch === '' ? 'none' : branch}`;
}
