import { LineReader, OffhookError } from '@offhook/common';

/** Asterisk never writes longer lines than a few KiB; a peer that does is not one. */
export const MAX_LINE_BYTES = 64 * 1024;
const MAX_PACKET_BYTES = 256 * 1024;
const MAX_PACKET_LINES = 1024;
const MAX_ACTION_BYTES = 8 * 1024;
const BANNER = 'Asterisk Call Manager/';

/** A block of `Name: value` lines; of a name that comes twice, the last. */
export type AmiPacket = Readonly<Record<string, string>>;

/**
 * An action as it goes over the wire. A value with a line end in it would be a header, or an action,
 * of its own: it is refused, whatever it means.
 *
 * @throws OffhookError `cti` `bad-value`
 */
export function encodeAction(
  action: string,
  fields: readonly (readonly [string, string])[],
): string {
  const lines = [['Action', action] as const, ...fields].map(([name, value]) => {
    if (!/^[A-Za-z0-9]+$/.test(name) || /[\r\n\0]/.test(value)) {
      throw new OffhookError('cti', 'bad-value', `a value of ${action} has a line end in it`);
    }
    return `${name}: ${value}\r\n`;
  });
  const text = `${lines.join('')}\r\n`;
  if (Buffer.byteLength(text) > MAX_ACTION_BYTES) {
    throw new OffhookError('cti', 'bad-value', `the action ${action} is too long`);
  }
  return text;
}

/** Cuts the byte stream of a manager connection into packets, within bounds. */
export class AmiReader {
  readonly #lines = new LineReader(MAX_LINE_BYTES);
  #fields: Record<string, string> = Object.create(null) as Record<string, string>;
  #count = 0;
  #bytes = 0;

  /** False once the peer has gone beyond a bound; the connection is then of no more use. */
  push(chunk: Buffer, onPacket: (packet: AmiPacket) => void): boolean {
    let sane = true;
    const fits = this.#lines.push(chunk, (line) => {
      sane &&= this.#line(line.endsWith('\r') ? line.slice(0, -1) : line, onPacket);
    });
    return fits && sane;
  }

  #line(line: string, onPacket: (packet: AmiPacket) => void): boolean {
    if (line === '') {
      if (this.#count > 0) onPacket(this.#take());
      return true;
    }
    if (this.#count === 0 && line.startsWith(BANNER)) return true;
    this.#count++;
    this.#bytes += line.length;
    if (this.#count > MAX_PACKET_LINES || this.#bytes > MAX_PACKET_BYTES) return false;
    const colon = line.indexOf(':');
    if (colon > 0) this.#fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
    return true;
  }

  #take(): AmiPacket {
    const fields = this.#fields;
    this.#fields = Object.create(null) as Record<string, string>;
    this.#count = 0;
    this.#bytes = 0;
    return fields;
  }
}
