import { isIP } from 'node:net';
import { mediaError } from '../engine.ts';
import type { Direction } from '../schemas.ts';

/** As much of RFC 8866 as a test engine needs, read strictly and fast. */
export interface SdpMedia {
  readonly kind: string;
  readonly port: number;
  /** `RTP/AVP`, `RTP/SAVP`. */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly address: string;
  readonly direction: Direction;
  /** Payload type → `opus/48000/2`. */
  readonly rtpmap: ReadonlyMap<number, string>;
  readonly crypto: readonly {
    readonly tag: string;
    readonly suite: string;
    readonly key: string;
  }[];
}

export interface SdpText {
  /** The value of `t=`, which an answer repeats (RFC 3264 §6). */
  readonly time: string;
  readonly media: readonly SdpMedia[];
}

interface Section {
  line: string;
  address: string | undefined;
  direction: Direction | undefined;
  rtpmap: Map<number, string>;
  crypto: { tag: string; suite: string; key: string }[];
}

const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/** @throws the contract's `invalid-sdp`. */
export function parseSdp(text: string): SdpText {
  const lines = text.split('\n');
  const session = section('');
  const sections: Section[] = [];
  let here = session;
  let time: string | undefined;
  let origin = false;
  for (const [index, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (line === '') continue;
    const value = line.slice(2);
    if (line[1] !== '=') throw invalid(`"${line.slice(0, 20)}" is no line of SDP`);
    if (index === 0 && line !== 'v=0') throw invalid('it does not begin with v=0');
    if (line[0] === 'o') origin = true;
    else if (line[0] === 't') time ??= value;
    else if (line[0] === 'c') here.address = connection(value);
    else if (line[0] === 'm') sections.push((here = section(value)));
    else if (line[0] === 'a') attribute(here, value);
  }
  if (!origin || time === undefined) throw invalid('o= or t= is missing');
  return { time, media: sections.map((one) => media(one, session)) };
}

/** The first audio stream that is not refused. */
export function audioIndex(sdp: SdpText): number {
  const index = sdp.media.findIndex(
    ({ kind, port, protocol }) => kind === 'audio' && port > 0 && /^RTP\/S?AVPF?$/.test(protocol),
  );
  if (index === -1) throw invalid('there is no audio stream');
  return index;
}

function section(line: string): Section {
  return { line, address: undefined, direction: undefined, rtpmap: new Map(), crypto: [] };
}

function connection(value: string): string {
  const [net, kind, address = ''] = value.split(' ');
  const family = isIP(address.split('/')[0] ?? '');
  if (net !== 'IN' || family === 0 || kind !== `IP${family}`) throw invalid(`c=${value}`);
  return address;
}

function attribute(here: Section, value: string): void {
  if (DIRECTIONS.has(value)) here.direction = value as Direction;
  const rtpmap = /^rtpmap:(\d{1,3}) (\S+)/.exec(value);
  if (rtpmap !== null) here.rtpmap.set(Number(rtpmap[1]), rtpmap[2] ?? '');
  const crypto = /^crypto:(\d+) (\S+) inline:(\S+)/.exec(value);
  if (crypto !== null) {
    here.crypto.push({ tag: crypto[1] ?? '', suite: crypto[2] ?? '', key: crypto[3] ?? '' });
  }
}

function media(one: Section, session: Section): SdpMedia {
  const [kind = '', portText = '', protocol = '', ...formats] = one.line.split(' ');
  const port = Number(/^(\d{1,5})(?:\/\d+)?$/.exec(portText)?.[1] ?? Number.NaN);
  if (!(port <= 65_535) || formats.length === 0) throw invalid(`m=${one.line}`);
  const address = one.address ?? session.address;
  if (address === undefined && port > 0) throw invalid('c= is missing');
  return {
    kind,
    port,
    protocol,
    formats,
    address: address ?? '0.0.0.0',
    direction: one.direction ?? session.direction ?? 'sendrecv',
    rtpmap: one.rtpmap,
    crypto: one.crypto,
  };
}

function invalid(why: string): Error {
  return mediaError('invalid-sdp', `The session description cannot be used: ${why}`);
}
