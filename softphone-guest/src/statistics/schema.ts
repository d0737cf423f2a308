import { z } from 'zod';
import { callEnd, callState, isoTime } from '../control/schemas.ts';

const percent = z.number().min(0).max(100);
const ms = z.number().min(0);

const direction = z.object({
  packets: z.int().min(0).describe('RTP packets'),
  bytes: z.int().min(0).describe('Of their payload'),
  lost: z.int().describe('RFC 3550 §6.4.1: counted here, or as the peer reports'),
  lossPct: percent.describe('Share of the packets that were sent, 0…100'),
  jitterMs: ms.describe('Interarrival jitter at the end, RFC 3550 §6.4.1'),
});

const holdPeriod = z.object({
  by: z.enum(['local', 'remote']),
  from: isoTime,
  to: isoTime.nullable().describe('Null: still on hold'),
});

/** The received direction, named as in RFC 3611 §4.7; shares are of 100, durations milliseconds. */
const voipMetrics = z.object({
  lossRate: percent.nullable().describe('Packets lost in the network'),
  discardRate: percent.nullable().describe('Packets that came too late or too early'),
  burstDensity: percent.nullable().describe('Lost or discarded, within bursts'),
  gapDensity: percent.nullable().describe('Lost or discarded, between bursts'),
  burstDuration: ms.nullable().describe('Mean'),
  gapDuration: ms.nullable().describe('Mean'),
  roundTripDelay: ms.nullable().describe('The last one, by RTCP'),
  endSystemDelay: ms
    .nullable()
    .describe('Packet, jitter buffer and devices of this end; estimated'),
  rFactor: percent.nullable().describe('ITU-T G.107'),
  mosLq: z.number().min(1).max(5).nullable().describe('Listening quality: without the delay'),
  mosCq: z.number().min(1).max(5).nullable().describe('Conversational quality'),
  jbNominal: ms.nullable().describe('Delay of the jitter buffer at the end'),
  jbMaximum: ms.nullable(),
});

/** What is known of a call's quality: the statistics file, and what `offhook stats` prints. */
export const callStatistics = z
  .object({
    version: z.literal(1),
    id: z.string(),
    sipCallId: z.string().describe('Call-ID of its dialog, as PBX logs have it'),
    account: z.string().describe('Address of record of the line'),
    direction: z.enum(['outgoing', 'incoming']),
    remote: z.string().describe('SIP URI of the other party'),
    state: callState,
    startedAt: isoTime,
    answeredAt: isoTime.nullable(),
    endedAt: isoTime.nullable(),
    talkMs: ms.int().describe('From answer to end, or until now'),
    end: callEnd.nullable(),
    holds: z.array(holdPeriod).describe('As far as this daemon has seen them; the last 100'),
    remoteMedia: z
      .object({ address: z.string(), port: z.int() })
      .nullable()
      .describe('Where RTP was sent at the end'),
    codec: z.string().nullable(),
    sent: direction.nullable(),
    received: direction.nullable(),
    concealedPct: percent.nullable().describe('Share of the played sound that was concealed'),
    voipMetrics: voipMetrics.nullable().describe('RFC 3611 §4.7; null: nothing was received'),
  })
  .describe('Statistics of a call. Null is what is not known');

export type CallStatistics = z.output<typeof callStatistics>;
export type HoldPeriod = z.output<typeof holdPeriod>;
