import { isIPv4, isIPv6 } from 'node:net';
import { mediaError, type CodecName, type Direction } from '@offhook/media-rpc';
import type { TransportAddress } from '../media-plane.ts';
import { codecByRtpmap, comfortNoise, staticPayloadTypes } from './codecs.ts';
import { parseCrypto, type CryptoLine } from './crypto.ts';
import type { Attribute, MediaSection, SessionDescription } from './description.ts';
import { withoutReceiving } from './direction.ts';

/** One format of the peer that we can use. */
export interface RemoteCodec {
  readonly name: CodecName;
  readonly payloadType: number;
  readonly fmtp: ReadonlyMap<string, string>;
}

/** What the peer's audio section means, with everything that it inherits from the session level. */
export interface RemoteAudio {
  readonly protocol: string;
  readonly remote: {
    readonly rtp: TransportAddress;
    readonly rtcp: TransportAddress;
    readonly rtcpMux: boolean;
  };
  /** In the peer's order of preference; formats unknown to us are left out. */
  readonly codecs: readonly RemoteCodec[];
  readonly telephoneEvents: readonly { readonly payloadType: number; readonly clockRate: number }[];
  /** CN with the static number is among its formats. */
  readonly comfortNoise: boolean;
  /** Seen from the peer; `c=0.0.0.0` already counted as not receiving. */
  readonly direction: Direction;
  readonly ptime?: number;
  readonly maxptime?: number;
  /** Usable lines only. */
  readonly cryptos: readonly CryptoLine[];
}

const directions = ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const;

/** @throws `invalid-sdp` when the section lacks what a stream needs. */
export function readAudio(description: SessionDescription, section: MediaSection): RemoteAudio {
  const connection = section.connection ?? description.connection;
  if (connection === undefined) {
    throw mediaError('invalid-sdp', 'The SDP has no c= line for its audio stream');
  }
  const rtp = { address: connection.address, port: section.port };
  const rtcpMux = section.attributes.some((attribute) => attribute.name === 'rtcp-mux');
  const stated = findDirection(section.attributes) ?? findDirection(description.attributes);
  const direction = stated ?? 'sendrecv';
  const ptime = milliseconds(section.attributes, 'ptime');
  const maxptime = milliseconds(section.attributes, 'maxptime');
  return {
    protocol: section.protocol,
    remote: {
      rtp,
      rtcp: rtcpMux ? rtp : (rtcpAddress(section.attributes, rtp) ?? nextPort(rtp)),
      rtcpMux,
    },
    ...readFormats(section),
    direction: isUnspecified(rtp.address) ? withoutReceiving(direction) : direction,
    ...(ptime === undefined ? {} : { ptime }),
    ...(maxptime === undefined ? {} : { maxptime }),
    cryptos: section.attributes
      .filter((attribute) => attribute.name === 'crypto')
      .flatMap((attribute) => parseCrypto(attribute.value ?? '') ?? []),
  };
}

/** `0.0.0.0` and `::`: the hold of RFC 2543 (RFC 3264 §8.4, RFC 6157 §3.2). */
export function isUnspecified(address: string): boolean {
  return /^0+(\.0+){3}$/u.test(address) || /^[0:]+$/u.test(address);
}

function findDirection(attributes: readonly Attribute[]): Direction | undefined {
  return directions.find((direction) => attributes.some(({ name }) => name === direction));
}

function readFormats(
  section: MediaSection,
): Pick<RemoteAudio, 'codecs' | 'telephoneEvents' | 'comfortNoise'> {
  const codecs: RemoteCodec[] = [];
  const telephoneEvents: { payloadType: number; clockRate: number }[] = [];
  for (const format of new Set(section.formats)) {
    if (!/^\d{1,3}$/u.test(format) || Number(format) > 127) continue;
    const payloadType = Number(format);
    const rtpmap = rtpmapOf(section.attributes, format);
    if (rtpmap?.encoding.toLowerCase() === 'telephone-event') {
      telephoneEvents.push({ payloadType, clockRate: rtpmap.clockRate });
      continue;
    }
    const name =
      rtpmap === undefined
        ? staticPayloadTypes.get(payloadType)
        : codecByRtpmap(rtpmap.encoding, rtpmap.clockRate, rtpmap.channels);
    if (name === undefined || codecs.some((codec) => codec.name === name)) continue;
    codecs.push({ name, payloadType, fmtp: fmtpOf(section.attributes, format) });
  }
  const noise = comfortNoise.payloadType.toString();
  const named = rtpmapOf(section.attributes, noise)?.encoding.toUpperCase() ?? 'CN';
  return {
    codecs,
    telephoneEvents,
    comfortNoise: section.formats.includes(noise) && named === 'CN',
  };
}

/** `a=rtpmap:<payload type> <encoding>/<clock rate>[/<channels>]`, RFC 8866 §6.6. */
function rtpmapOf(attributes: readonly Attribute[], format: string) {
  for (const { name, value } of attributes) {
    const match =
      name === 'rtpmap'
        ? /^(\d+)\s+([^\s/]+)\/(\d{1,6})(?:\/(\d{1,2}))?$/u.exec(value ?? '')
        : null;
    if (match === null || Number(match[1]) !== Number(format)) continue;
    return {
      encoding: match[2] ?? '',
      clockRate: Number(match[3]),
      channels: Number(match[4] ?? 1),
    };
  }
  return undefined;
}

/** `a=fmtp:<format> name=value;…`, RFC 8866 §6.15. Names in lower case. */
function fmtpOf(attributes: readonly Attribute[], format: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const { name, value } of attributes) {
    if (name !== 'fmtp' || value?.split(/\s/u, 1)[0] !== format) continue;
    for (const part of value.slice(format.length).split(';')) {
      const [key = '', ...rest] = part.split('=');
      if (key.trim() !== '') parameters.set(key.trim().toLowerCase(), rest.join('=').trim());
    }
  }
  return parameters;
}

function milliseconds(attributes: readonly Attribute[], name: string): number | undefined {
  const value = attributes.find((attribute) => attribute.name === name)?.value;
  // Some peers write 20.0; nonsense counts as not said.
  const number = Math.floor(Number(value));
  return value !== undefined && number >= 1 && number <= 1000 ? number : undefined;
}

/** `a=rtcp:<port> [IN IP4 <address>]`, RFC 3605 §2.1. */
function rtcpAddress(
  attributes: readonly Attribute[],
  rtp: TransportAddress,
): TransportAddress | undefined {
  const value = attributes.find((attribute) => attribute.name === 'rtcp')?.value;
  const match = /^(\d{1,5})(?:\s+IN\s+IP[46]\s+(\S+))?$/u.exec(value ?? '');
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65_535) return undefined;
  const address = match[2] ?? rtp.address;
  return isIPv4(address) || (isIPv6(address) && !address.includes('%'))
    ? { address, port }
    : undefined;
}

/** RFC 3550 §11: RTCP is one port up unless said otherwise. */
function nextPort({ address, port }: TransportAddress): TransportAddress {
  return { address, port: Math.min(port + 1, 65_535) };
}
