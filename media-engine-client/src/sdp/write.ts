import { isIPv6 } from 'node:net';
import type { CodecName, Direction, SdpOrigin } from '@offhook/media-rpc';
import { codecs, comfortNoise, TELEPHONE_EVENTS } from './codecs.ts';
import { formatCrypto, type CryptoLine } from './crypto.ts';
import type { Line, LocalTransport } from './negotiation.ts';

/** Everything that stands in a description of ours. */
export interface LocalDescription {
  readonly origin: SdpOrigin;
  readonly local: LocalTransport;
  readonly lines: readonly Line[];
  readonly protocol: string;
  readonly direction: Direction;
  readonly codecs: readonly { readonly name: CodecName; readonly payloadType: number }[];
  readonly telephoneEvents: readonly { readonly payloadType: number; readonly clockRate: number }[];
  readonly comfortNoise: boolean;
  readonly cryptos: readonly CryptoLine[];
  readonly rtcpMux: boolean;
  readonly ptimeMs: number;
}

/** RFC 8866 §5: the lines in their order, each ended by CRLF. */
export function writeDescription(description: LocalDescription): string {
  const { origin, local } = description;
  const net = `IN ${isIPv6(local.rtp.address) ? 'IP6' : 'IP4'} ${local.rtp.address}`;
  const lines = [
    'v=0',
    `o=${origin.username} ${origin.sessionId} ${origin.version} ${net}`,
    's=-',
    `c=${net}`,
    't=0 0',
    ...description.lines.flatMap((line) =>
      line.kind === 'audio'
        ? audioSection(description)
        : [`m=${line.media} 0 ${line.protocol} ${line.formats.join(' ')}`],
    ),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function audioSection(description: LocalDescription): string[] {
  const { rtp, rtcp } = description.local;
  const noise = description.comfortNoise ? [comfortNoise] : [];
  const formats = [...description.codecs, ...noise, ...description.telephoneEvents];
  return [
    `m=audio ${rtp.port} ${description.protocol} ${formats.map((f) => f.payloadType).join(' ')}`,
    ...description.codecs.flatMap(({ name, payloadType }) => {
      const { clockRate, channels, fmtp } = codecs[name];
      const suffix = channels === undefined ? '' : `/${channels}`;
      return [
        `a=rtpmap:${payloadType} ${name}/${clockRate}${suffix}`,
        ...(fmtp === undefined ? [] : [`a=fmtp:${payloadType} ${fmtp}`]),
      ];
    }),
    ...noise.map(({ payloadType, clockRate }) => `a=rtpmap:${payloadType} CN/${clockRate}`),
    ...description.telephoneEvents.flatMap(({ payloadType, clockRate }) => [
      `a=rtpmap:${payloadType} telephone-event/${clockRate}`,
      `a=fmtp:${payloadType} ${TELEPHONE_EVENTS}`,
    ]),
    `a=ptime:${description.ptimeMs}`,
    ...description.cryptos.map((line) => `a=crypto:${formatCrypto(line)}`),
    ...(rtcp.port === rtp.port + 1 ? [] : [`a=rtcp:${rtcp.port}`]),
    ...(description.rtcpMux ? ['a=rtcp-mux'] : []),
    `a=${description.direction}`,
  ];
}
