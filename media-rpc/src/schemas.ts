import { z } from 'zod';

/**
 * The vocabulary of the media contract. Unknown keys are dropped on receipt (a newer peer may send
 * more); everything else that does not fit is refused with `invalid-params`.
 */

/** Chosen by the guest, unique among its sessions; survives reconnects and daemon restarts. */
export const sessionId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

/** Goes up with each change that the guest makes to one session; see `session.update`. */
export const revision = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/** SDP text, RFC 4566/8866. 64 KiB is far beyond any real body. */
export const sdp = z.string().min(1).max(65_536);

/** RFC 3264 §6.1, seen from this end. */
export const direction = z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

export const codecName = z.enum(['PCMA', 'PCMU', 'G722', 'opus']);

/** RFC 4568 §6.2, RFC 6188. */
export const srtpSuite = z.enum([
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
]);

/** `off`: RTP/AVP only; `optional`: offer AVP with a=crypto, accept either; `required`: RTP/SAVP. */
export const srtpPolicy = z.enum(['off', 'optional', 'required']);

/**
 * The `o=` line's continuity (RFC 3264 §8): the guest owns it, because it must not start anew when
 * another engine takes the session over. The engine writes it into the SDP as it is.
 */
export const sdpOrigin = z.object({
  username: z
    .string()
    .regex(/^\S{1,64}$/)
    .default('-'),
  /** A decimal number of up to 63 bits; a string, because JSON numbers are doubles. */
  sessionId: z.string().regex(/^\d{1,19}$/),
  version: z.int().min(0),
});

export const mediaOptions = z.object({
  /** In order of preference; the thin client's policy may strike some. */
  codecs: z.array(codecName).min(1).default(['opus', 'G722', 'PCMA', 'PCMU']),
  srtp: srtpPolicy.default('off'),
  srtpSuites: z
    .array(srtpSuite)
    .min(1)
    .default(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AES_256_CM_HMAC_SHA1_80']),
  /** RFC 4733 telephone-event is offered. */
  telephoneEvent: z.boolean().default(true),
  /**
   * CN (RFC 3389) is offered, and answered where it is offered: the peer may send a word about its silence
   * instead of the silence. Where it comes, it is played in any case.
   */
  comfortNoise: z.boolean().default(false),
  /** Milliseconds of audio in a packet that this end sends, unless the peer asks otherwise. */
  ptimeMs: z
    .union([z.literal(10), z.literal(20), z.literal(30), z.literal(40), z.literal(60)])
    .default(20),
  /**
   * Numeric address that media will probably go to (the PBX's), from which an engine with several
   * networks picks its own address and family for an offer. A hint only; policy is not asked.
   */
  peerAddress: z.string().max(64).optional(),
  /** What the person at the thin client is shown. Not trusted, not interpreted. */
  label: z.string().max(256).default(''),
});

/**
 * What `session.open` and `session.update` are asked to do with the session description. A wanted
 * direction of `sendonly` is a hold: silence is sent, never the microphone.
 */
export const sdpStep = z.discriminatedUnion('type', [
  /** Make an offer (RFC 3264 §5). The former state stays in force until `accept`. */
  z.object({ type: z.literal('offer'), direction, origin: sdpOrigin }),
  /** Answer the peer's offer (§6) and use the result at once. */
  z.object({ type: z.literal('answer'), offer: sdp, direction, origin: sdpOrigin }),
  /**
   * Use the peer's answer to our last offer. May come again with another answer to the same offer
   * (early media of several forks, then the final answer): the last one counts. With
   * `provisional`, the offer stays open to a roll-back.
   */
  z.object({ type: z.literal('accept'), answer: sdp, provisional: z.boolean().default(false) }),
  /**
   * Forget our pending offer, which the peer refused (RFC 3261 §14.1): `offer`, the default. Or take
   * back the answer of the last step, which the peer no longer waits for (§9.2).
   */
  z.object({ type: z.literal('rollback'), of: z.enum(['offer', 'answer']).optional() }),
]);

export const mediaState = z.enum([
  /** Ports are allocated; nothing has been agreed yet. */
  'idle',
  /** Our offer is out. */
  'offered',
  /** Both descriptions are in force. */
  'active',
  /** The worker died or the device failed; the engine is rebuilding the leg. */
  'recovering',
  'closed',
]);

export const endpoint = z.object({ address: z.string(), port: z.int().min(0).max(65_535) });

/** One session as the engine knows it: the row of `snapshot`. */
/** Chosen by the guest, its own. */
export const conferenceId = z.string().min(1).max(64);

/** What a recording is to be, and what it is. */
export const recordingState = z.enum(['recording', 'paused', 'stopped']);

/** Why a recording has ended. */
export const recordingEnd = z.enum([
  /** The guest asked for it. */
  'guest',
  /** The person at the thin client did: the call is not recorded again. */
  'person',
  'call-ended',
  /** The thin client allows no longer ones. */
  'time-limit',
  'disk-full',
  'failed',
  'worker-lost',
]);

export const sessionRecording = z.object({
  state: recordingState,
  /** Name of the file at the thin client, without its directory. */
  file: z.string().min(1).max(255),
  /** Wall clock of the thin client, ms since the epoch. */
  startedAt: z.number(),
  /** Once it is stopped: its length, pauses included, and why. */
  seconds: z.number().min(0).optional(),
  reason: recordingEnd.optional(),
});

export const sessionState = z.object({
  id: sessionId,
  revision,
  state: mediaState,
  /** What this end and the peer do, as agreed; absent before. */
  direction: direction.optional(),
  /** The direction the peer asked for, seen from the peer: `sendonly` or `inactive` is a remote hold. */
  remoteDirection: direction.optional(),
  /** The current and, while `offered`, the pending local description. */
  localSdp: sdp.optional(),
  remoteSdp: sdp.optional(),
  codec: codecName.optional(),
  srtp: srtpSuite.optional(),
  local: endpoint.optional(),
  remote: endpoint.optional(),
  muted: z.boolean(),
  /** Muted by the person at the thin client: the guest cannot undo it. */
  locallyMuted: z.boolean(),
  /**
   * Another call has microphone and speaker: of several on one thin client the one taken last is
   * live, and the others send silence and are not heard until it ends or they are taken again.
   */
  background: z.boolean().optional(),
  /** The conference that it is in; see `session.conference`. */
  conference: conferenceId.optional(),
  /** The last recording of the session; see `session.record`. Absent: it was never recorded. */
  recording: sessionRecording.optional(),
  label: z.string(),
  /** Wall clock of the thin client, ms since the epoch. */
  openedAt: z.number(),
});

export const directionStats = z.object({
  packets: z.int().min(0),
  bytes: z.int().min(0),
  /** Packets lost, RFC 3550 §6.4.1 (receive: counted here; send: as the peer reports). */
  lost: z.int(),
  /** Share of packets lost since the start, 0…100. */
  lossPct: z.number().min(0).max(100),
  /** Interarrival jitter, milliseconds, RFC 3550 §6.4.1. */
  jitterMs: z.number().min(0),
});

export const sessionStats = z.object({
  id: sessionId,
  codec: codecName.optional(),
  tx: directionStats,
  rx: directionStats,
  /** Round trip from RTCP LSR/DLSR, milliseconds; absent until a report came back. */
  rttMs: z.number().min(0).optional(),
  /** Share of played audio that was concealed, 0…100. */
  concealedPct: z.number().min(0).max(100),
  /** The jitter buffer's present delay, milliseconds. */
  jitterBufferMs: z.number().min(0),
  /** Listening quality 1…4.5 by the E-model (ITU-T G.107, G.113 codec figures); absent before audio. */
  mos: z.number().min(1).max(5).optional(),
  /** The same without what delay takes from it: MOS-LQ of RFC 3611 §4.7.5. */
  mosLq: z.number().min(1).max(5).optional(),
  /** Transmission rating of the E-model, 0…100, from which `mos` is made. */
  rFactor: z.number().min(0).max(100).optional(),
  /**
   * Delay of the far end's sound within the thin client, an estimate: packet, jitter buffer and devices, in
   * milliseconds; see end system delay in RFC 3611 §4.7.3.
   */
  endSystemMs: z.number().min(0).optional(),
  /** RMS of the last interval, dBFS (0 is full scale, -120 silence). */
  levels: z.object({ inputDb: z.number(), outputDb: z.number() }).optional(),
  /** Of the echo canceller, once it has found an echo. */
  echo: z
    .object({
      /** From the playing of the far end to its echo in the microphone's audio, milliseconds. */
      delayMs: z.number(),
      /** Echo return loss enhancement of the last seconds in which the far end spoke, dB (ITU-T G.168). */
      erleDb: z.number().optional(),
    })
    .optional(),
});

export const audioRole = z.enum(['input', 'output', 'ringer']);

/** How much of what is not voice is taken out of the microphone's audio. */
export const noiseSuppression = z.enum(['off', 'low', 'moderate', 'high']);

/**
 * A button at a headset: `hook` takes the call that rings, and hangs up otherwise; `pickup` and `hangup`
 * do one of them only; `mute` mutes the microphone and lets it be heard again.
 */
export const headsetButton = z.enum(['hook', 'pickup', 'hangup', 'mute']);

export const audioDevice = z.object({
  /** `pulse:NAME`, `alsa:hw:0`, `tone:440`, `file:…`, `null`, or `default`. */
  id: z.string().max(512),
  name: z.string(),
  roles: z.array(audioRole),
  /** False for a device that is configured or remembered, but not plugged in. */
  present: z.boolean(),
  /** What it is, where that is known, as PulseAudio's `device.form_factor`: headset, speaker, … */
  formFactor: z.string().max(64).optional(),
});

/** `auto`: the next one who has a say decides; see `audio.voice`. */
export const voiceSwitch = z.enum(['auto', 'on', 'off']);

/** What is to be taken out of the microphone's audio before it is sent. */
export const voiceWishes = z.object({
  /** The echo of the loudspeaker. */
  echoCancellation: voiceSwitch.optional(),
  noiseSuppression: z.enum(['auto', ...noiseSuppression.options]).optional(),
  /** Differences of level. */
  gainControl: voiceSwitch.optional(),
});

/** Devices that are in use in place of selected ones that are gone, by role. */
export const standIns = z.partialRecord(audioRole, z.string().max(512));

/** Call progress tones, ITU-T E.180; the thin client plays them by its country's plan. */
export const toneKind = z.enum([
  'ring',
  'ringback',
  'busy',
  'congestion',
  'callwaiting',
  'dial',
  'error',
]);

/** A DTMF digit, RFC 4733 §3.2. */
export const digits = z.string().regex(/^[0-9A-D*#]{1,64}$/i);

export const instanceId = z.string().min(1).max(64);

/**
 * What the engine does for a guest that never returns: these bytes, to this destination, as they
 * are. The engine knows no SIP; the guest writes here the message that ends its call.
 */
export const lastWill = z.object({
  /** `udp`: repeated until there is an answer (RFC 3261 §17.1.2). `tcp`: a connection of its own. */
  transport: z.enum(['udp', 'tcp']),
  /** A numeric address, because by then nobody can be asked for another. */
  destination: z.object({ address: z.string().min(2).max(64), port: z.int().min(1).max(65_535) }),
  /** Base64, of at most 8 KiB. */
  bytes: z.base64().min(4).max(10_924),
  /** What an answer begins with (one of these) and contains (all of these). Others are passed over. */
  match: z.object({
    begins: z.array(z.string().min(1).max(64)).min(1).max(8),
    contains: z.array(z.string().min(1).max(256)).min(1).max(4),
  }),
});

export const willResult = z.object({
  outcome: z.enum([
    /** On its way, no answer yet. */
    'sending',
    /** A matching answer came; whether it is a good one is for the guest to say. */
    'answered',
    'unanswered',
    /** It could not be sent, or policy forbade it by then. */
    'failed',
  ]),
  /** How often it was sent. */
  attempts: z.int().min(0),
  /** The first line of the answer. */
  answer: z.string().max(256).optional(),
  /** What failed, in words. */
  message: z.string().max(512).optional(),
});

/** A session that the engine ended because its guest did not come back within the lease. */
export const endedSession = z.object({
  id: sessionId,
  label: z.string(),
  /** Wall clock of the thin client, ms since the epoch. */
  endedAt: z.number(),
  /** What became of the last will; absent without one. */
  will: willResult.optional(),
});

export type SessionId = z.output<typeof sessionId>;
export type Direction = z.output<typeof direction>;
export type CodecName = z.output<typeof codecName>;
export type SrtpSuite = z.output<typeof srtpSuite>;
export type SrtpPolicy = z.output<typeof srtpPolicy>;
export type SdpOrigin = z.output<typeof sdpOrigin>;
export type MediaOptions = z.output<typeof mediaOptions>;
export type SdpStep = z.output<typeof sdpStep>;
export type MediaState = z.output<typeof mediaState>;
export type SessionRecording = z.output<typeof sessionRecording>;
export type RecordingState = z.output<typeof recordingState>;
export type RecordingEnd = z.output<typeof recordingEnd>;
export type SessionState = z.output<typeof sessionState>;
export type DirectionStats = z.output<typeof directionStats>;
export type SessionStats = z.output<typeof sessionStats>;
export type AudioRole = z.output<typeof audioRole>;
export type NoiseSuppression = z.output<typeof noiseSuppression>;
export type VoiceWishes = z.output<typeof voiceWishes>;
export type StandIns = z.output<typeof standIns>;
export type AudioDevice = z.output<typeof audioDevice>;
export type LastWill = z.output<typeof lastWill>;
export type WillResult = z.output<typeof willResult>;
export type EndedSession = z.output<typeof endedSession>;
export type HeadsetButton = z.output<typeof headsetButton>;
export type ToneKind = z.output<typeof toneKind>;
