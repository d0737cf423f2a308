import { parseHead } from './parse.ts';
import { headerValue, type SipHead } from './head.ts';
import { lengthProblem } from './check.ts';

/** What a stream of bytes turned out to hold. */
export type FrameEvent =
  | { readonly type: 'message'; readonly head: Uint8Array; readonly body: Uint8Array }
  /** Double CRLF between messages: the peer wants a pong (RFC 5626 §4.4.1). */
  | { readonly type: 'ping' }
  /** Single CRLF between messages. */
  | { readonly type: 'pong' }
  /**
   * The stream cannot be followed beyond this point (RFC 3261 §18.3); the connection is done.
   * `head` is there when an answer can still be tried.
   */
  | {
      readonly type: 'broken';
      readonly reason: string;
      readonly status: 400 | 413;
      readonly head: SipHead | undefined;
    };

export interface FramerLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

const CR = 13;
const LF = 10;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3, §7.5). Holds at most one
 * unfinished message, within the limits; after `broken` it ignores everything.
 */
export class StreamFramer {
  readonly #limits: FramerLimits;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Size that must be there before another look is worth it. */
  #need = 0;
  /** Up to where the buffer was searched for the end of the header block. */
  #searched = 0;
  #broken = false;

  constructor(limits: FramerLimits) {
    this.#limits = limits;
  }

  /** Whether a message has begun and its end has not come: when a deadline should run. */
  get midMessage(): boolean {
    return !this.#broken && this.#size > 0;
  }

  push(chunk: Uint8Array): FrameEvent[] {
    if (this.#broken) return [];
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#size += chunk.byteLength;
    if (this.#size < this.#need) return [];
    const events: FrameEvent[] = [];
    let buffer =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    for (;;) {
      const step = this.#next(buffer);
      if (step === undefined) break;
      buffer = buffer.subarray(step.used);
      this.#searched = 0;
      this.#need = 0;
      events.push(step.event);
      if (step.event.type === 'broken') {
        this.#broken = true;
        buffer = Buffer.alloc(0);
        break;
      }
    }
    // A copy, so that a small rest does not keep a large chunk alive.
    this.#chunks = buffer.length === 0 ? [] : [Buffer.from(buffer)];
    this.#size = buffer.length;
    return events;
  }

  #next(buffer: Buffer): { used: number; event: FrameEvent } | undefined {
    if (buffer.length === 0) return undefined;
    if (buffer[0] === CR) return nextKeepAlive(buffer);
    const end = buffer.indexOf(HEAD_END, Math.max(0, this.#searched - 3));
    // Once found, it is found there again when the rest of the body has come.
    this.#searched = end < 0 ? buffer.length : end;
    const size = end < 0 ? buffer.length : end;
    if (size > this.#limits.headerBytes) {
      return broken('Header Block Too Large', 413, readHead(buffer, end));
    }
    if (end < 0) return undefined;
    const head = buffer.subarray(0, end);
    const length = contentLength(head, this.#limits.bodyBytes);
    if (typeof length !== 'number') return { used: buffer.length, event: length };
    const total = end + HEAD_END.length + length;
    if (buffer.length < total) {
      this.#need = total;
      return undefined;
    }
    const body = buffer.subarray(end + HEAD_END.length, total);
    return { used: total, event: { type: 'message', head, body } };
  }
}

function nextKeepAlive(buffer: Buffer): { used: number; event: FrameEvent } | undefined {
  if (buffer.length < 2) return undefined;
  if (buffer[1] !== LF) return broken('Not SIP', 400, undefined);
  if (buffer.length === 3 && buffer[2] === CR) return undefined;
  if (buffer[2] === CR && buffer[3] === LF) return { used: 4, event: { type: 'ping' } };
  return { used: 2, event: { type: 'pong' } };
}

function contentLength(head: Buffer, limit: number): number | FrameEvent {
  const result = parseHead(head.toString('utf8'));
  const parsed = result.head;
  if (parsed === undefined) return broken('Not SIP', 400, undefined).event;
  const written = headerValue(parsed, 'content-length');
  if (written === undefined) return broken('Missing Content-Length', 400, parsed).event;
  const problem = lengthProblem(parsed);
  if (problem !== undefined) return broken(problem.reason, 400, parsed).event;
  const length = Number(written);
  return length > limit ? broken('Body Too Large', 413, parsed).event : length;
}

function readHead(buffer: Buffer, end: number): SipHead | undefined {
  // Only a small part: enough for the fields that an answer copies if they come first.
  const part = buffer.subarray(0, Math.min(end < 0 ? buffer.length : end, 4096)).toString('utf8');
  return parseHead(part.slice(0, part.lastIndexOf('\r\n'))).head;
}

function broken(
  reason: string,
  status: 400 | 413,
  head: SipHead | undefined,
): { used: number; event: FrameEvent } {
  return { used: 0, event: { type: 'broken', reason, status, head } };
}
