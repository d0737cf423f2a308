import {
  audioDevice,
  audioRole,
  codecName,
  direction,
  endedSession,
  endpoint,
  mediaState,
  noiseSuppression,
  sessionRecording,
  srtpSuite,
  standIns,
  voiceWishes,
} from '@offhook/media-rpc';
import { z } from 'zod';
import { linkReport } from '../link/api.ts';

/**
 * The engine's control socket, `<state-dir>/control.sock`: for the person at the thin client and for
 * scripts. What is asked for here wins over the guests.
 */

const none = z.object({});

const engineCall = z.object({
  id: z.string(),
  /** Instance id of the guest whose call it is. */
  guest: z.string(),
  /** The guest's connection is there; without it the call goes on under its lease. */
  guestConnected: z.boolean(),
  /** ms since the epoch at which the call ends unless its guest comes back; absent while it is here. */
  leaseEndsAt: z.number().optional(),
  /** The far end will be told when the lease ends. */
  will: z.boolean(),
  /** What the guest calls it; not to be trusted. */
  label: z.string(),
  state: mediaState,
  direction: direction.optional(),
  held: z.boolean(),
  /** By the guest. */
  muted: z.boolean(),
  /** By the person here. */
  locallyMuted: z.boolean(),
  /** Another call has microphone and speaker. */
  background: z.boolean(),
  /** What is said here goes to this call. */
  microphone: z.boolean(),
  /** The last recording of it. */
  recording: sessionRecording.optional(),
  codec: codecName.optional(),
  srtp: srtpSuite.optional(),
  local: endpoint.optional(),
  remote: endpoint.optional(),
  /** ms since the epoch. */
  openedAt: z.number(),
  media: z.object({
    codec: codecName.optional(),
    txPackets: z.int(),
    rxPackets: z.int(),
    lossPct: z.number(),
    jitterMs: z.number(),
    rttMs: z.number().optional(),
    mos: z.number().optional(),
    levels: z.object({ inputDb: z.number(), outputDb: z.number() }).optional(),
    echo: z.object({ delayMs: z.number(), erleDb: z.number().optional() }).optional(),
  }),
});

export const engineStatus = z.object({
  version: z.string(),
  pid: z.int(),
  instance: z.string(),
  startedAt: z.number(),
  listen: z.array(z.string()),
  /** The desktops whose SPICE port is a way in, each by a link process of its own. */
  desktops: z.array(linkReport),
  worker: z.object({ state: z.enum(['up', 'restarting', 'failed']), message: z.string() }),
  /** Whether anybody hears what is said here, and why not. */
  microphone: z.enum(['live', 'muted', 'on-hold', 'idle']),
  guests: z.array(
    z.object({
      instance: z.string(),
      connected: z.boolean(),
      /** False: it is used at another thin client. Absent if it has not said. */
      active: z.boolean().optional(),
      leaseMs: z.number(),
      /** ms since the epoch at which the calls of a guest that is away end. */
      leaseEndsAt: z.number().optional(),
    }),
  ),
  calls: z.int(),
  /** How many of them are being recorded, or paused in it. */
  recorded: z.int(),
  /** Calls that ended because their guest did not come back, newest first. */
  ended: z.array(endedSession.extend({ guest: z.string() })),
  devices: z.record(audioRole, z.string()),
  volumes: z.record(audioRole, z.number()),
  /** As the guests have them; what is heard is the product. */
  guestVolumes: z.record(audioRole, z.number()),
  /** Devices in use in place of those that are gone. */
  standIns,
  /** What the microphone's audio is processed by, and what the person here has switched. */
  voice: z.object({
    echoCancellation: z.boolean(),
    noiseSuppression,
    gainControl: z.boolean(),
    switched: voiceWishes,
  }),
});

/** A call by its id or the beginning of it; none where only one can be meant. */
const whichCalls = z.object({ call: z.string().max(64).optional(), all: z.boolean().optional() });
const affected = z.object({ calls: z.array(z.string()) });

export const controlMethods = {
  status: { params: none, result: engineStatus },
  calls: { params: none, result: z.object({ calls: z.array(engineCall) }) },
  /** Ends audio at once and tells the guest to end the call. */
  'calls.hangup': { params: whichCalls, result: affected },
  /** All calls unless one is named: somebody who wants not to be heard means everybody. */
  'calls.mute': { params: whichCalls, result: affected },
  'calls.unmute': { params: whichCalls, result: affected },
  /** Ends the recording, of all calls unless one is named; no guest can begin it again. */
  'calls.stop-recording': { params: whichCalls, result: affected },
  /** Gives the call microphone and speaker. */
  'calls.take': { params: whichCalls, result: affected },
  'devices.list': {
    params: none,
    result: z.object({
      devices: z.array(audioDevice),
      selected: z.record(audioRole, z.string()),
      standIns,
    }),
  },
  'devices.select': {
    params: z.object({ role: audioRole, id: z.string().min(1).max(512) }),
    result: none,
  },
  /** What is left out stays as it was. */
  voice: { params: voiceWishes, result: none },
  volume: {
    params: z.object({ role: audioRole, volume: z.number().min(0).max(4) }),
    result: none,
  },
} as const satisfies Record<string, { params: z.ZodType; result: z.ZodType }>;

export type EngineCall = z.output<typeof engineCall>;
export type EngineStatus = z.output<typeof engineStatus>;
export type ControlName = keyof typeof controlMethods;
export type ControlParams<N extends ControlName> = z.input<(typeof controlMethods)[N]['params']>;
export type ControlResult<N extends ControlName> = z.output<(typeof controlMethods)[N]['result']>;

/** Told to whoever subscribes: calls, devices or the worker are not what they were. */
export const CHANGED = 'changed';
