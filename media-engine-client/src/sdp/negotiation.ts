import { mediaError } from '@offhook/media-rpc';
import type {
  CodecName,
  Direction,
  MediaOptions,
  SdpOrigin,
  SrtpPolicy,
  SrtpSuite,
} from '@offhook/media-rpc';
import type { CodecConfig, TransportAddress } from '../media-plane.ts';
import { choosePtime, codecs } from './codecs.ts';
import { keySaltLength, type CryptoLine } from './crypto.ts';
import type { MediaSection } from './description.ts';
import type { RemoteAudio, RemoteCodec } from './remote-audio.ts';

/**
 * What one offer/answer exchange leaves behind (RFC 3264), as plain data: the session keeps it,
 * and a restarted engine reads it back.
 */

/** One m= line: ours, or one that is refused with port 0 and repeated as the peer wrote it. */
export type Line =
  | { readonly kind: 'audio' }
  | {
      readonly kind: 'refused';
      readonly media: string;
      readonly protocol: string;
      readonly formats: readonly string[];
    };

/** Encoding (`opus`, `telephone-event/8000`) → number; never changed in a session (§8.3.2). */
export type PayloadTypes = Readonly<Record<string, number>>;

export interface LocalTransport {
  readonly rtp: TransportAddress;
  readonly rtcp: TransportAddress;
}

export interface SrtpAgreement {
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** Base64 of key and salt, each way. */
  readonly tx: string;
  readonly rx: string;
}

export interface Agreement {
  readonly lines: readonly Line[];
  readonly protocol: string;
  readonly direction: Direction;
  readonly remoteDirection: Direction;
  readonly codec: CodecConfig;
  readonly telephoneEvent?: { readonly payloadType: number; readonly clockRate: number };
  readonly remote: RemoteAudio['remote'];
  readonly srtp?: SrtpAgreement;
  readonly payloadTypes: PayloadTypes;
}

/** Our offer while it waits for its answer. */
export interface PendingOffer {
  readonly lines: readonly Line[];
  readonly protocol: string;
  readonly direction: Direction;
  readonly codecs: readonly { readonly name: CodecName; readonly payloadType: number }[];
  readonly telephoneEvents: readonly { readonly payloadType: number; readonly clockRate: number }[];
  readonly cryptos: readonly CryptoLine[];
  readonly ptimeMs: number;
  readonly payloadTypes: PayloadTypes;
}

/** What every step needs beside the texts. */
export interface Terms {
  readonly options: MediaOptions;
  readonly local: LocalTransport;
  /** The agreement in force, if there is one. */
  readonly current: Agreement | undefined;
  /** Master key and salt for a suite; random, so injected. */
  readonly newKey: (bytes: number) => Uint8Array;
  /** Give out new keys even where the old ones could stay. */
  readonly rekey: boolean;
}

export interface LocalStep {
  readonly direction: Direction;
  readonly origin: SdpOrigin;
}

const plainProtocols = ['RTP/AVP', 'RTP/AVPF'];
const secureProtocols = ['RTP/SAVP', 'RTP/SAVPF'];

const isSecureProtocol = (protocol: string) => secureProtocols.includes(protocol);
export const isKnownProtocol = (protocol: string) =>
  plainProtocols.includes(protocol) || secureProtocols.includes(protocol);

export function refusedLine(section: Omit<MediaSection, 'attributes' | 'port'>): Line {
  const { media, protocol, formats } = section;
  // Also a refused line lists a format (RFC 8866 §9: 1*(SP fmt)).
  return { kind: 'refused', media, protocol, formats: formats.length > 0 ? formats : ['0'] };
}

/**
 * RFC 4568 §5.1.2: the peer's first line that we can use, as far as the policy lets SRTP in.
 * Undefined is plain RTP.
 *
 * @throws `srtp-required` when policy and description cannot be brought together.
 */
export function chooseCrypto(
  policy: SrtpPolicy,
  suites: readonly SrtpSuite[],
  audio: Pick<RemoteAudio, 'protocol' | 'cryptos'>,
): CryptoLine | undefined {
  const secure = isSecureProtocol(audio.protocol);
  if (policy === 'off') {
    if (!secure) return undefined;
    throw mediaError('srtp-required', 'The peer asks for SRTP, which is switched off here');
  }
  const usable = audio.cryptos.find((line) => suites.includes(line.suite));
  if (usable === undefined && (secure || policy === 'required')) {
    throw mediaError(
      'srtp-required',
      secure
        ? 'The peer asks for SRTP and has no a=crypto that can be used'
        : 'SRTP is required here and the peer has none',
    );
  }
  return usable;
}

export function newKey(terms: Terms, suite: SrtpSuite): string {
  return Buffer.from(terms.newKey(keySaltLength[suite])).toString('base64');
}

/** What this end sends with, from what the peer says that it can take (RFC 3264 §5.1, §6.1). */
export function codecConfig(
  codec: RemoteCodec,
  audio: Pick<RemoteAudio, 'ptime' | 'maxptime'>,
  preferredPtime: number,
): CodecConfig {
  const base = {
    name: codec.name,
    payloadType: codec.payloadType,
    clockRate: codecs[codec.name].clockRate,
    ptimeMs: choosePtime(codec.name, preferredPtime, audio),
  };
  if (codec.name !== 'opus') return base;
  // RFC 7587 §6.1: parameters say what the receiver, that is the peer, would like.
  const rate = Number(codec.fmtp.get('maxaveragebitrate'));
  return {
    ...base,
    opus: {
      inbandFec: codec.fmtp.get('useinbandfec') === '1',
      dtx: codec.fmtp.get('usedtx') === '1',
      ...(rate >= 6000 && rate <= 510_000 ? { maxAverageBitrate: rate } : {}),
    },
  };
}

/** RFC 4733 §2.1: events share the audio's clock, or they cannot share its time stamps. */
export function matchingTelephoneEvent(
  events: PendingOffer['telephoneEvents'],
  clockRate: number,
): Agreement['telephoneEvent'] {
  return events.find((event) => event.clockRate === clockRate);
}
