import { isIPv4, isIPv6 } from 'node:net';
import { mediaError } from '@offhook/media-rpc';

/**
 * The structure of a session description (RFC 8866 §5, RFC 4566 §5): sections, lines in their order,
 * and of each line only what offer/answer looks at. sdp-transform drops lines that its patterns do
 * not know (`m=audio 5004/2 …`, media names with a hyphen), which would change the count of m= lines
 * that an answer has to keep; so the tokeniser is our own.
 */

export interface Attribute {
  readonly name: string;
  /** Absent for a property attribute such as `a=sendrecv`. */
  readonly value?: string;
}

interface Connection {
  readonly family: 4 | 6;
  /** Numeric; without TTL and count of a multicast address. */
  readonly address: string;
}

export interface MediaSection {
  readonly media: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly connection?: Connection;
  readonly attributes: readonly Attribute[];
}

export interface SessionDescription {
  readonly connection?: Connection;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaSection[];
}

/** More m= lines than any real offer has; an answer has to repeat each. */
const MAX_MEDIA_SECTIONS = 32;
const MAX_LINES = 2048;

type Building<T> = { -readonly [K in keyof T]: T[K] };
type BuildingSection = Omit<Building<MediaSection>, 'attributes'> & { attributes: Attribute[] };

/**
 * Reads a description. Line types that offer/answer does not need (`s= t= b= i= k= …`, and ones yet
 * to be invented) are passed over, as RFC 8866 §5 asks for attributes; whatever would have to be
 * understood and cannot be is refused.
 *
 * @throws `invalid-sdp`, whose message names the line.
 */
export function parseDescription(text: string): SessionDescription {
  if (text.includes('\0')) throw mediaError('invalid-sdp', 'The SDP contains a NUL character');
  const lines = text.split(/\r\n|\n|\r/u);
  if (lines.length > MAX_LINES) throw mediaError('invalid-sdp', `More than ${MAX_LINES} SDP lines`);

  const attributes: Attribute[] = [];
  const media: BuildingSection[] = [];
  let connection: Connection | undefined;
  let sawVersion = false;
  let sawOrigin = false;

  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const bad = (what: string) => mediaError('invalid-sdp', `SDP line ${index + 1}: ${what}`);
    if (!/^[A-Za-z]=/u.test(line)) throw bad('not of the form type=value');
    const type = line.charAt(0);
    const value = line.slice(2).trim();
    if (!sawVersion && type !== 'v') throw bad('the description does not begin with v=0');
    const section = media.at(-1);
    switch (type) {
      case 'v':
        if (value !== '0') throw bad(`version ${quote(value)} is not 0`);
        sawVersion = true;
        break;
      case 'o':
        if (value.split(/\s+/u).length !== 6) throw bad('o= does not have six fields');
        sawOrigin = true;
        break;
      case 'c': {
        const parsed = parseConnection(value);
        if (typeof parsed === 'string') throw bad(parsed);
        // Several c= lines in a section are layers of a multicast (§5.7): the first is the base.
        if (section === undefined) connection ??= parsed;
        else section.connection ??= parsed;
        break;
      }
      case 'm': {
        if (media.length === MAX_MEDIA_SECTIONS) {
          throw bad(`more than ${MAX_MEDIA_SECTIONS} m= lines`);
        }
        const parsed = parseMediaLine(value);
        if (typeof parsed === 'string') throw bad(parsed);
        media.push(parsed);
        break;
      }
      case 'a':
        (section?.attributes ?? attributes).push(parseAttribute(value));
        break;
      default:
    }
  }
  if (!sawVersion) throw mediaError('invalid-sdp', 'The SDP is empty');
  if (!sawOrigin) throw mediaError('invalid-sdp', 'The SDP has no o= line');
  return { ...(connection === undefined ? {} : { connection }), attributes, media };
}

function parseConnection(value: string): Connection | string {
  const [network, type, target, ...rest] = value.split(/\s+/u);
  if (network !== 'IN' || target === undefined || rest.length > 0) {
    return `c=${quote(value)} is not an internet address`;
  }
  const address = target.split('/')[0] ?? '';
  if (type === 'IP4' && isIPv4(address)) return { family: 4, address };
  if (type === 'IP6' && isIPv6(address) && !address.includes('%')) return { family: 6, address };
  return `c=${quote(value)} has no numeric ${type === 'IP6' ? 'IPv6' : 'IPv4'} address`;
}

function parseMediaLine(value: string): BuildingSection | string {
  const [media = '', port = '', protocol, ...formats] = value.split(/\s+/u);
  // RFC 8866 §5.14: port, or port/number of ports.
  const match = /^(\d{1,5})(?:\/\d{1,5})?$/u.exec(port);
  const number = Number(match?.[1]);
  if (match === null || number > 65_535) return `port ${quote(port)} is not 0…65535`;
  if (media === '' || protocol === undefined) return 'm= lacks its protocol';
  if (formats.length === 0 && number !== 0) return 'm= lists no format';
  return { media, port: number, protocol, formats, attributes: [] };
}

function parseAttribute(value: string): Attribute {
  const colon = value.indexOf(':');
  return colon < 0
    ? { name: value }
    : { name: value.slice(0, colon), value: value.slice(colon + 1).trim() };
}

/** What the peer wrote, short enough for a message. */
function quote(value: string): string {
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
}
