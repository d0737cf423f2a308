import { OffhookError, type Logger } from '@offhook/common';
import type { ListenAddress } from '../api.ts';
import type { RequestHandler, ServedAnswer, ServedRequest } from '../request-api.ts';
import { headerPair } from './call/invite-draft.ts';
import type { InboundRequest } from './core/inbound-request.ts';
import { bodyOf, type SipRequest } from './message/message.ts';

/** Methods that make, change and end calls and registrations; they are nobody else's. */
const OWN = new Set(['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'REGISTER']);

/** A method that an application may send by hand; throws an OffhookError `bad-method` otherwise. */
export function foreignMethod(method: string): string {
  const name = method.toUpperCase();
  if (OWN.has(name) || !/^[A-Z][A-Z0-9\-.!%*_+`'~]{0,31}$/.test(name)) {
    throw new OffhookError('signaling', 'bad-method', `${method} is not sent by hand`);
  }
  return name;
}

/** The application's handlers, by method. */
export class MethodTable {
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on(method: string, handler: RequestHandler): () => void {
    const name = foreignMethod(method);
    this.#handlers.set(name, handler);
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name);
    };
  }

  /** Asks the handler of the method; `otherwise` when there is none, or it does not want it. */
  serve(inbound: InboundRequest, otherwise: () => void): void {
    const handler = this.#handlers.get(inbound.message.method);
    if (handler === undefined) {
      otherwise();
      return;
    }
    serveBy(handler, inbound, otherwise, this.#logger);
  }
}

/** Answers a request with what a handler says. */
export function serveBy(
  handler: RequestHandler,
  inbound: InboundRequest,
  otherwise: () => void,
  logger: Logger,
): void {
  const serve = async (): Promise<void> => {
    const answer = await handler(servedRequest(inbound.message));
    if (answer === undefined) otherwise();
    else reply(inbound, answer);
  };
  serve().catch((error: unknown) => {
    logger.error({ error, method: inbound.message.method }, 'serving a request failed');
    inbound.reply(500);
  });
}

function reply(
  inbound: InboundRequest,
  { status, reason, headers = [], body }: ServedAnswer,
): void {
  inbound.reply(status, { reason, headers: headers.map(headerPair), body });
}

function servedRequest(message: SipRequest): ServedRequest {
  const { remote, transport } = message.flow;
  const source: ListenAddress = { transport, address: remote.address, port: remote.port };
  const { uri, displayName } = message.from;
  return {
    method: message.method,
    uri: message.uri,
    from: { uri, ...(displayName !== undefined && { displayName }) },
    to: { uri: message.to.uri },
    headers: (name) => message.headers.all(name.toLowerCase()),
    body: bodyOf(message),
    source,
  };
}
