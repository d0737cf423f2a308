import { OffhookError } from '@offhook/common';

/** Of one block of headers; mod_event_socket never writes as much. */
const MAX_HEADER_BYTES = 64 * 1024;
/** Of one body: a listing of all channels of a large switch is a few MiB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_COMMAND_BYTES = 8 * 1024;

/** A block of `Name: value` lines, and the body that its Content-Length announces. */
export interface EslMessage {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * A command as it goes over the wire. A line end would begin a header or another command.
 *
 * @throws OffhookError `cti` `bad-value`
 */
export function encodeCommand(
  line: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const lines = [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  if (lines.some((one) => /[\r\n\0]/.test(one))) {
    throw new OffhookError('cti', 'bad-value', 'a value for FreeSWITCH has a line end in it');
  }
  const text = `${lines.join('\n')}\n\n`;
  if (Buffer.byteLength(text) > MAX_COMMAND_BYTES) {
    throw new OffhookError('cti', 'bad-value', 'a command for FreeSWITCH is too long');
  }
  return text;
}

/** Cuts the byte stream of an event socket into messages, within bounds. */
export class EslReader {
  #held: Buffer = Buffer.alloc(0);
  #open: { headers: ReadonlyMap<string, string>; length: number } | undefined;

  /** False once the peer has gone beyond a bound; the connection is then of no more use. */
  push(chunk: Buffer, onMessage: (message: EslMessage) => void): boolean {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#open === undefined) {
        const end = this.#held.indexOf('\n\n');
        if (end < 0) return this.#held.length <= MAX_HEADER_BYTES;
        if (end > MAX_HEADER_BYTES) return false;
        const headers = parseHeaders(this.#held.subarray(0, end).toString('utf8'));
        this.#held = this.#held.subarray(end + 2);
        const length = Number(headers.get('Content-Length') ?? 0);
        if (!Number.isSafeInteger(length) || length < 0 || length > MAX_BODY_BYTES) return false;
        this.#open = { headers, length };
      }
      const { headers, length } = this.#open;
      if (this.#held.length < length) return true;
      const body = this.#held.subarray(0, length).toString('utf8');
      this.#held = this.#held.subarray(length);
      this.#open = undefined;
      if (headers.size > 0) onMessage({ headers, body });
    }
  }
}

/** An event of `event plain`: its headers, whose values are written as in URIs, and its body. */
export function parseEvent(text: string): EslMessage {
  const end = text.indexOf('\n\n');
  const head = parseHeaders(end < 0 ? text : text.slice(0, end));
  const headers = new Map([...head].map(([name, value]) => [name, decode(value)]));
  return { headers, body: end < 0 ? '' : text.slice(end + 2) };
}

function parseHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

function decode(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
