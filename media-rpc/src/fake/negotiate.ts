import { randomBytes } from 'node:crypto';
import { mediaError } from '../engine.ts';
import type { CodecName, Direction, MediaOptions, SdpOrigin, SrtpSuite } from '../schemas.ts';
import { audioIndex, parseSdp, type SdpMedia } from './sdp-text.ts';

/** Our end of a session, as SDP names it. */
export interface FakeEndpoint {
  readonly address: string;
  readonly port: number;
}

/** What offer and answer settled on. */
export interface FakeAgreement {
  readonly codec: CodecName;
  readonly direction: Direction;
  readonly remoteDirection: Direction;
  readonly remote: FakeEndpoint;
  readonly srtp: SrtpSuite | undefined;
  readonly telephoneEvent: boolean;
}

interface Wishes {
  readonly options: MediaOptions;
  readonly local: FakeEndpoint;
  readonly direction: Direction;
  readonly origin: SdpOrigin;
}

const ENCODING: Readonly<Record<CodecName, string>> = {
  opus: 'opus/48000/2',
  G722: 'G722/8000',
  PCMA: 'PCMA/8000',
  PCMU: 'PCMU/8000',
};
/** RFC 3551 §6; opus has none of its own. */
const PAYLOAD_TYPE: Readonly<Record<CodecName, number>> = { opus: 111, G722: 9, PCMA: 8, PCMU: 0 };
const TELEPHONE_EVENT = 101;

/** An offer (RFC 3264 §5). */
export function makeOffer({ options, local, direction, origin }: Wishes): string {
  const types = options.codecs.map((name) => PAYLOAD_TYPE[name]);
  const lines = options.codecs.map((name) => `a=rtpmap:${PAYLOAD_TYPE[name]} ${ENCODING[name]}`);
  if (options.telephoneEvent) {
    types.push(TELEPHONE_EVENT);
    lines.push(`a=rtpmap:${TELEPHONE_EVENT} telephone-event/8000`);
    lines.push(`a=fmtp:${TELEPHONE_EVENT} 0-15`);
  }
  if (options.srtp !== 'off') {
    lines.push(...options.srtpSuites.map((suite, index) => crypto(String(index + 1), suite)));
  }
  const protocol = options.srtp === 'required' ? 'RTP/SAVP' : 'RTP/AVP';
  return session(local, origin, '0 0', [
    `m=audio ${local.port} ${protocol} ${types.join(' ')}`,
    ...lines,
    `a=ptime:${options.ptimeMs}`,
    `a=${direction}`,
  ]);
}

/** The answer to an offer (§6), and what it settles. @throws errors of the contract. */
export function makeAnswer(
  wishes: Wishes,
  offerText: string,
): { sdp: string; agreement: FakeAgreement } {
  const { options, local, origin } = wishes;
  const offer = parseSdp(offerText);
  const index = audioIndex(offer);
  const lines: string[] = [];
  let agreement: FakeAgreement | undefined;
  for (const [at, media] of offer.media.entries()) {
    if (at !== index) {
      lines.push(`m=${media.kind} 0 ${media.protocol} ${media.formats.join(' ')}`);
      continue;
    }
    const chosen = choose(media, options);
    const direction = meet(wishes.direction, media.direction);
    agreement = agreed(media, chosen, direction);
    lines.push(`m=audio ${local.port} ${media.protocol} ${chosen.formats.join(' ')}`);
    lines.push(...chosen.formats.map((format) => `a=rtpmap:${format} ${encoding(media, format)}`));
    if (chosen.crypto !== undefined) lines.push(crypto(chosen.crypto.tag, chosen.crypto.suite));
    lines.push(`a=ptime:${options.ptimeMs}`, `a=${direction}`);
  }
  if (agreement === undefined) throw mediaError('invalid-sdp');
  return { sdp: session(local, origin, offer.time, lines), agreement };
}

/** What the answer to our offer settles. @throws errors of the contract. */
export function acceptAnswer(
  options: MediaOptions,
  offered: Direction,
  answerText: string,
): FakeAgreement {
  const answer = parseSdp(answerText);
  const media = answer.media[audioIndex(answer)];
  if (media === undefined) throw mediaError('invalid-sdp');
  return agreed(media, choose(media, options), meet(offered, media.direction));
}

interface Choice {
  readonly codec: CodecName;
  readonly formats: readonly string[];
  readonly telephoneEvent: boolean;
  readonly crypto: { readonly tag: string; readonly suite: SrtpSuite } | undefined;
}

function agreed(media: SdpMedia, choice: Choice, direction: Direction): FakeAgreement {
  return {
    codec: choice.codec,
    direction,
    remoteDirection: media.direction,
    remote: { address: media.address, port: media.port },
    srtp: choice.crypto?.suite,
    telephoneEvent: choice.telephoneEvent,
  };
}

/** What of the peer's stream we take: its order of codecs counts (§6.1). */
function choose(media: SdpMedia, options: MediaOptions): Choice {
  const names = media.formats.map((format) => [format, codecOf(encoding(media, format))] as const);
  const common = names.filter(([, name]) => name !== undefined && options.codecs.includes(name));
  const codec = common[0]?.[1];
  if (codec === undefined) throw mediaError('no-common-codec');
  const events = options.telephoneEvent
    ? media.formats.filter((format) => encoding(media, format) === 'telephone-event/8000')
    : [];
  return {
    codec,
    formats: [...common.map(([format]) => format), ...events],
    telephoneEvent: events.length > 0,
    crypto: chooseCrypto(media, options),
  };
}

function chooseCrypto(media: SdpMedia, options: MediaOptions): Choice['crypto'] {
  const secure = media.protocol.startsWith('RTP/SAVP');
  const suites: readonly string[] = options.srtpSuites;
  const found = media.crypto.find(({ suite }) => suites.includes(suite));
  const wanted = options.srtp === 'required' || (secure && options.srtp === 'optional');
  if (secure && options.srtp === 'off') throw mediaError('srtp-required');
  if (wanted && (!secure || found === undefined)) throw mediaError('srtp-required');
  if (found === undefined || options.srtp === 'off') return undefined;
  return { tag: found.tag, suite: found.suite as SrtpSuite };
}

function encoding(media: SdpMedia, format: string): string {
  const type = Number(format);
  const known = media.rtpmap.get(type);
  if (known !== undefined) return known;
  const name = (['PCMU', 'PCMA', 'G722'] as const).find((one) => PAYLOAD_TYPE[one] === type);
  return name === undefined ? 'unknown' : ENCODING[name];
}

function codecOf(encodingName: string): CodecName | undefined {
  const wanted = encodingName.toLowerCase().replace(/^(\w+\/\d+)\/1$/, '$1');
  return (Object.keys(ENCODING) as CodecName[]).find(
    (name) => ENCODING[name].toLowerCase() === wanted,
  );
}

/** Our direction, given what we want and what the peer says of itself. */
function meet(wanted: Direction, peer: Direction): Direction {
  const send = sends(wanted) && receives(peer);
  const receive = receives(wanted) && sends(peer);
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

export function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

function crypto(tag: string, suite: SrtpSuite): string {
  const key = randomBytes(suite.startsWith('AES_256') ? 46 : 30).toString('base64');
  return `a=crypto:${tag} ${suite} inline:${key}`;
}

function session(
  local: FakeEndpoint,
  origin: SdpOrigin,
  time: string,
  media: readonly string[],
): string {
  const family = local.address.includes(':') ? 'IP6' : 'IP4';
  const { username, sessionId, version } = origin;
  return [
    'v=0',
    `o=${username} ${sessionId} ${version} IN ${family} ${local.address}`,
    's=-',
    `c=IN ${family} ${local.address}`,
    `t=${time}`,
    ...media,
    '',
  ].join('\r\n');
}
