import { Core } from 'sip.js';
import { title } from './check.ts';
import type { SipHead } from './head.ts';
import { renderMessage } from './render.ts';

export type CoreMessage = Core.IncomingRequestMessage | Core.IncomingResponseMessage;

export type CoreParse =
  | { readonly ok: true; readonly message: CoreMessage }
  | { readonly ok: false; readonly reason: string };

/** A value of a message cannot be read; a request gets a 400 with this reason. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** A message for sip.js, parsed at the first look. */
export class LazyCoreMessage {
  readonly #parse: () => CoreParse;
  #message: CoreMessage | undefined;

  constructor(parse: () => CoreParse) {
    this.#parse = parse;
  }

  /** Throws MalformedMessage. */
  get(): CoreMessage {
    if (this.#message === undefined) {
      const parsed = this.#parse();
      if (!parsed.ok) throw new MalformedMessage(parsed.reason);
      this.#message = parsed.message;
    }
    return this.#message;
  }
}

const SIP_SCHEME = /^sips:/i;

/**
 * The message as sip.js understands it. Its parser wants one header field a line, knows few
 * compact forms, throws on some malformed fields and gives nothing for others.
 */
export function parseForCore(head: SipHead, via: string, body: string, secure: boolean): CoreParse {
  const complaints: string[] = [];
  const fields = [{ name: 'via', value: via }, ...head.fields.filter(({ name }) => name !== 'via')];
  // sip.js answers 416 to a SIPS Request-URI; over TLS it is as good as a SIP one.
  const start =
    head.kind === 'request' && secure
      ? { ...head, uri: head.uri.replace(SIP_SCHEME, 'sip:') }
      : head;
  const text = renderMessage({ ...start, fields }, body);
  let message: CoreMessage | undefined;
  try {
    message = Core.Parser.parseMessage(text, collector(complaints));
  } catch {
    complaints.push('error parsing the message');
  }
  if (message === undefined) return { ok: false, reason: reasonOf(complaints[0]) };
  if (message instanceof Core.IncomingRequestMessage) {
    if (message.ruri === undefined) return { ok: false, reason: 'Malformed Request-URI' };
  }
  // Duplicate and unparsable fields vanish in sip.js; these it cannot do without.
  if (!isComplete(message)) return { ok: false, reason: 'Malformed Header Field' };
  return { ok: true, message };
}

function isComplete(message: CoreMessage): boolean {
  const { from, to, callId, cseq, viaBranch, method } = message as Partial<CoreMessage>;
  return ![from, to, callId, cseq, viaBranch, method].includes(undefined);
}

function reasonOf(complaint: string | undefined): string {
  const field = /^error parsing header '([A-Za-z-]{1,40})'$/.exec(complaint ?? '')?.[1];
  if (field !== undefined) return `Malformed ${title(field.toLowerCase())} Header Field`;
  return complaint?.includes('first line') === true ? 'Malformed Request-URI' : 'Malformed Message';
}

/** A logger that only listens: what sip.js says quotes the message, which may hold secrets. */
function collector(complaints: string[]): Core.Logger {
  const hear = (content: string): void => {
    complaints.push(content);
  };
  const quiet = (): void => undefined;
  return { error: hear, warn: hear, log: quiet, debug: quiet } as unknown as Core.Logger;
}
