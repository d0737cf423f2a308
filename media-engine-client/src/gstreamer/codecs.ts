import type { CodecName } from '@offhook/media-rpc';
import type { CodecConfig } from '../media-plane.ts';

/** How GStreamer makes a codec's RTP and plays it. */
export interface CodecElements {
  /** Rate of the audio that encoder and decoder work at, Hz; not the RTP clock for G.722. */
  readonly audioRate: number;
  /** `encoding-name` of application/x-rtp. */
  readonly encodingName: string;
  readonly encoder: (codec: CodecConfig) => string;
  readonly payloader: string;
  readonly depayloader: string;
  readonly decoder: (codec: CodecConfig) => string;
  /** The decoder has no packet loss concealment of its own. */
  readonly conceal: boolean;
}

/** Audio in a packet, ms: what was asked for, where the codec can do it. */
export function packetMs(codec: CodecConfig): number {
  return codec.name === 'opus' && codec.ptimeMs === 30 ? 20 : codec.ptimeMs;
}

const plain = (element: string) => () => element;

export const codecElements: Readonly<Record<CodecName, CodecElements>> = {
  PCMA: {
    audioRate: 8000,
    encodingName: 'PCMA',
    encoder: plain('alawenc name=enc'),
    payloader: 'rtppcmapay',
    depayloader: 'rtppcmadepay',
    decoder: plain('alawdec name=dec'),
    conceal: true,
  },
  PCMU: {
    audioRate: 8000,
    encodingName: 'PCMU',
    encoder: plain('mulawenc name=enc'),
    payloader: 'rtppcmupay',
    depayloader: 'rtppcmudepay',
    decoder: plain('mulawdec name=dec'),
    conceal: true,
  },
  G722: {
    audioRate: 16000,
    encodingName: 'G722',
    encoder: plain('offhookg722enc name=enc'),
    payloader: 'rtpg722pay',
    depayloader: 'rtpg722depay',
    decoder: plain('offhookg722dec name=dec'),
    conceal: true,
  },
  opus: {
    audioRate: 48000,
    encodingName: 'OPUS',
    encoder: (codec) => {
      const opus = codec.opus ?? { inbandFec: false, dtx: false };
      const bitrate = Math.min(40_000, opus.maxAverageBitrate ?? 40_000);
      // FEC begins when the peer reports loss: until then it would cost quality for nothing.
      return (
        `offhookopusenc name=enc bitrate=${bitrate} frame-ms=${packetMs(codec)}` +
        ` dtx=${opus.dtx} inband-fec=${opus.inbandFec}`
      );
    },
    payloader: 'rtpopuspay',
    depayloader: 'rtpopusdepay',
    decoder: plain('offhookopusdec name=dec'),
    conceal: false,
  },
};
