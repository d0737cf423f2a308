import { z } from 'zod';

/** What the worker answers and tells; see worker/verbs.c and worker/port-stats.c. */

const transportAddress = z.object({ address: z.string(), port: z.number() });

export const portRow = z.object({
  id: z.string(),
  tag: z.string(),
  dscp: z.number(),
  rtp: transportAddress,
  rtcp: transportAddress,
});

export const portStats = z.object({
  tx: z.object({
    packets: z.number(),
    bytes: z.number(),
    ssrc: z.number(),
    failed: z.number(),
    nextIndex: z.number(),
    rollOver: z.number().optional(),
  }),
  rx: z.object({
    packets: z.number(),
    bytes: z.number(),
    lost: z.number(),
    rejected: z.number(),
    jitterMs: z.number(),
    ssrc: z.number().optional(),
    lastPacketAt: z.number().optional(),
  }),
  sendingTo: transportAddress,
  remote: z.object({ lost: z.number(), fractionLost: z.number(), jitterMs: z.number() }).optional(),
  rttMs: z.number().optional(),
});

/** The figures of one pipeline's probes, by probe and figure. */
export const probeFigures = z.record(z.string(), z.record(z.string(), z.number()));

export const deviceRow = z.object({
  name: z.string(),
  class: z.string(),
  factory: z.string().default(''),
  device: z.string().default(''),
  /** As PulseAudio has it (`device.form_factor`): headset, headphone, speaker, webcam, … */
  formFactor: z.string().default(''),
  /** What `default` stands for. */
  standard: z.boolean().default(false),
});

/** Every verb with what it answers. */
export const verbs = {
  // Also higher when descriptions need elements, or properties of them, that older workers have not.
  hello: z.object({ protocol: z.literal(3), pid: z.number() }),
  lease: z.object({}),
  list: z.object({
    ports: z.array(portRow),
    pipelines: z.array(z.object({ id: z.string(), tag: z.string() })),
  }),
  stats: z.object({
    ports: z.record(z.string(), portStats),
    pipelines: z.record(z.string(), probeFigures),
  }),
  tag: z.object({}),
  quit: z.object({}),
  'port.open': portRow,
  'port.set': z.object({}),
  'port.close': z.object({}),
  'port.dtmf': z.object({}),
  'pipeline.play': z.object({}),
  'pipeline.close': z.object({}),
  'pipeline.set': z.object({}),
  'pipeline.get': z.object({ value: z.string() }),
  'pipeline.event': z.object({ handled: z.boolean() }),
  'pipeline.tones': z.object({}),
  devices: z.object({ devices: z.array(deviceRow) }),
} as const satisfies Record<string, z.ZodType>;

export type Verb = keyof typeof verbs;
export type Answer<V extends Verb> = z.output<(typeof verbs)[V]>;
export type PortRow = z.output<typeof portRow>;
export type PortStats = z.output<typeof portStats>;
export type ProbeFigures = z.output<typeof probeFigures>;
export type DeviceRow = z.output<typeof deviceRow>;

export const workerEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('dtmf'),
    port: z.string(),
    digit: z.string(),
    durationMs: z.number(),
  }),
  z.object({ event: z.literal('dtmf-sent'), token: z.string() }),
  z.object({
    event: z.literal('latched'),
    port: z.string(),
    address: z.string(),
    rtpPort: z.number(),
  }),
  z.object({
    event: z.literal('pipeline'),
    pipeline: z.string(),
    serial: z.number(),
    kind: z.enum(['error', 'warning', 'eos']),
    element: z.string(),
    message: z.string(),
  }),
  z.object({ event: z.literal('devices') }),
]);

export type WorkerEvent = z.output<typeof workerEvent>;

/** One line from the worker. */
export const workerLine = z.union([
  z.object({ id: z.number(), ok: z.unknown().refine((value) => value !== undefined) }),
  z.object({ id: z.number(), error: z.object({ code: z.string(), message: z.string() }) }),
  workerEvent,
]);
