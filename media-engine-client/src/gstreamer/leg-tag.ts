import { z } from 'zod';
import { codecName, direction, noiseSuppression, srtpSuite } from '@offhook/media-rpc';
import type { LegConfig, SrtpKey } from '../media-plane.ts';
import type { SrtpEpochs } from './counters.ts';

/**
 * A leg as the worker keeps it for the next engine. It holds the SRTP keys, as the worker's memory
 * does anyway; the socket that it crosses is this user's alone.
 */
const address = z.object({ address: z.string(), port: z.number() });
const srtpKey = z.object({
  suite: srtpSuite,
  keySalt: z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
});

const legTag = z.object({
  epochs: z.object({ tx: z.number(), rx: z.number() }),
  serial: z.number(),
  input: z.string(),
  output: z.string(),
  jitterMs: z.number(),
  config: z.object({
    id: z.string(),
    sockets: z.string(),
    direction,
    codec: z.object({
      name: codecName,
      payloadType: z.number(),
      clockRate: z.number(),
      ptimeMs: z.number(),
      opus: z
        .object({
          inbandFec: z.boolean(),
          dtx: z.boolean(),
          maxAverageBitrate: z.number().exactOptional(),
        })
        .exactOptional(),
    }),
    telephoneEvent: z.object({ payloadType: z.number(), clockRate: z.number() }).exactOptional(),
    remote: z.object({ rtp: address, rtcp: address, rtcpMux: z.boolean() }),
    latching: z.enum(['off', 'once', 'follow']),
    srtp: z.object({ tx: srtpKey, rx: srtpKey }).exactOptional(),
    input: z.string(),
    output: z.string(),
    muted: z.boolean(),
    voice: z
      .object({
        echoCancellation: z.boolean(),
        noiseSuppression,
        gainControl: z.boolean(),
      })
      .exactOptional(),
    hears: z.array(z.string()).exactOptional(),
    jitterBufferMs: z.object({ min: z.number(), max: z.number() }),
  }),
});

export interface LegTag {
  readonly epochs: SrtpEpochs;
  readonly serial: number;
  /** The devices in use. */
  readonly input: string;
  readonly output: string;
  readonly jitterMs: number;
  readonly config: LegConfig;
}

export function writeLegTag(tag: LegTag): string {
  const { srtp, ...config } = tag.config;
  const coded = srtp === undefined ? {} : { srtp: { tx: codeKey(srtp.tx), rx: codeKey(srtp.rx) } };
  return JSON.stringify({ ...tag, config: { ...config, ...coded } });
}

function codeKey(key: SrtpKey): { suite: string; keySalt: string } {
  return { suite: key.suite, keySalt: Buffer.from(key.keySalt).toString('base64') };
}

/** Undefined when the text is none of ours. */
export function readLegTag(text: string): LegTag | undefined {
  try {
    const parsed = legTag.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
