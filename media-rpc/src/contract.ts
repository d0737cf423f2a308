import { z } from 'zod';
import {
  conferenceId,
  audioDevice,
  audioRole,
  digits,
  endedSession,
  headsetButton,
  instanceId,
  lastWill,
  mediaOptions,
  recordingState,
  revision,
  sdp,
  sdpStep,
  sessionId,
  sessionState,
  sessionStats,
  standIns,
  toneKind,
  voiceWishes,
} from './schemas.ts';
import { thinClientLocation } from './location.ts';

/** Protocol versions that this code speaks; HELLO settles on the highest common one. */
export const PROTOCOL = { min: 1, max: 1 } as const;

const none = z.object({});

const health = z.object({ worker: z.enum(['up', 'restarting', 'failed']), message: z.string() });

/** Capability of a guest (HELLO) that knows what to do with `headset.button`. */
export const HEADSET_BUTTONS = 'headset-buttons';

/** Named failures of the contract; they cross the wire as JSON-RPC errors with this code in `data`. */
export const mediaErrors = {
  'invalid-params': 'The request does not fit the schema',
  'unknown-session': 'No session of that id',
  'stale-revision': 'The session has a newer revision than the command',
  'wrong-state': 'The session is not in a state for this step',
  'invalid-sdp': 'The session description cannot be used',
  'no-common-codec': 'No codec in common (RFC 3264 §6: 488)',
  'srtp-required': 'Policy asks for SRTP and the peer offers none, or the other way round',
  'address-refused': 'The policy of the thin client does not allow media to that address',
  'limit-reached': 'The thin client allows no more sessions, or no port is free',
  'no-such-device': 'No audio device of that id',
  'device-failed': 'The audio device could not be opened',
  'worker-down': 'The media worker is being restarted',
  'not-allowed': 'The policy of the thin client does not allow this',
  'recording-failed': 'The recording cannot be written',
} as const;

export type MediaErrorCode = keyof typeof mediaErrors;

const sessionErrors = ['unknown-session', 'stale-revision', 'wrong-state'] as const;
const sdpErrors = [
  'invalid-sdp',
  'no-common-codec',
  'srtp-required',
  'address-refused',
  'device-failed',
  'worker-down',
] as const;

interface MethodRow {
  readonly params: z.ZodType;
  readonly result: z.ZodType;
  readonly errors: readonly MediaErrorCode[];
}

/**
 * Every request that a guest may make of an engine, and every row both ends validate with.
 *
 * Each command can be repeated safely. Those on a session carry the guest's `revision`: equal to
 * the session's own → the result of the first time again; higher → carried out; lower →
 * `stale-revision`. Others are idempotent by their content or by an id that the guest chooses.
 */
export const methods = {
  /** What the engine has: the engine's half of reconciliation. */
  snapshot: {
    params: none,
    result: z.object({
      engine: instanceId,
      sessions: z.array(sessionState),
      leaseMs: z.int(),
      /** As of now; `engine.health` tells of changes. */
      health: health.optional(),
      /** Where this thin client is; null or absent: it does not know. `location.changed` tells more. */
      location: thinClientLocation.nullable().optional(),
      /** How many sessions this guest may have at once. */
      maxSessions: z.int().min(1).optional(),
      /**
       * Milliseconds that the guest was away before this connection, by the clock of the thin client;
       * a guest that was paused cannot know by its own. Absent if it was not here before.
       */
      awayMs: z.number().min(0).optional(),
      /** Sessions that the guest's absence has cost it; `session.close` forgets one. */
      ended: z.array(endedSession).optional(),
    }),
    errors: [],
  },
  /**
   * How long, in ms, the engine keeps sessions and audio when this connection is gone; then it ends
   * them and sends their wills. The result is what the thin client's policy grants, which may be more
   * or less: a guest that asks for a year gets the longest lease there is.
   */
  'lease.set': {
    params: z.object({ ms: z.int().min(0) }),
    result: z.object({ ms: z.int().min(0) }),
    errors: [],
  },
  /**
   * Whether the guest is used at this thin client, or at another one that it is connected to. The
   * person here is told; nothing else comes of it.
   */
  'guest.use': { params: z.object({ active: z.boolean() }), result: none, errors: [] },
  /**
   * Allocates ports and carries out the first step (`offer` or `answer`). Repeated with the same id
   * and revision it returns the same description.
   */
  'session.open': {
    params: z.object({
      id: sessionId,
      revision,
      options: mediaOptions.prefault({}),
      step: sdpStep,
    }),
    result: z.object({ sdp, session: sessionState }),
    errors: ['stale-revision', 'wrong-state', 'limit-reached', ...sdpErrors],
  },
  /** Takes the session one step further; `sdp` comes back for `offer` and `answer`. */
  'session.update': {
    params: z.object({ id: sessionId, revision, step: sdpStep }),
    result: z.object({ sdp: sdp.optional(), session: sessionState }),
    errors: [...sessionErrors, ...sdpErrors],
  },
  /**
   * Stops the audio, frees the ports and forgets the will. A session that is not there is closed
   * already. `moved`: the call goes on elsewhere, which the person here is told.
   */
  'session.close': {
    params: z.object({ id: sessionId, reason: z.enum(['over', 'moved']).optional() }),
    result: none,
    errors: [],
  },
  /**
   * Makes a session of another instance of the guest this one's own: an id of 16 characters or more
   * is a secret that proves it. Whoever claims last has it; the other is told `session.released`.
   * Claiming an own session changes nothing.
   */
  'session.claim': {
    params: z.object({ id: sessionId }),
    result: sessionState,
    errors: ['unknown-session'],
  },
  /**
   * Deposits the last will of a session in place of the one before. It is sent when the lease ends
   * without the guest, or when the person here hangs up while the guest is away; see `ended` in
   * `snapshot` for what became of it. Within what the thin client allows as destinations.
   */
  'will.set': {
    params: lastWill.extend({ session: sessionId }),
    result: none,
    errors: ['unknown-session', 'address-refused', 'not-allowed'],
  },
  /** A will that is not there is removed already. */
  'will.remove': { params: z.object({ session: sessionId }), result: none, errors: [] },
  'session.get': {
    params: z.object({ id: sessionId }),
    result: sessionState,
    errors: ['unknown-session'],
  },
  'session.stats': {
    params: z.object({ id: sessionId }),
    result: sessionStats,
    errors: ['unknown-session'],
  },
  /** Microphone of this session; the person's own mute at the thin client wins. */
  'session.mute': {
    params: z.object({ id: sessionId, muted: z.boolean() }),
    result: sessionState,
    errors: ['unknown-session'],
  },
  /**
   * Puts a session into a conference of the guest's, or (null) takes it out of its own. Those in one
   * hear each other and the microphone, each without itself, mixed at the thin client; all of them
   * are live together. A session on hold, muted or not, is neither heard nor hears the others. A
   * conference is there as long as a session is in it; it outlasts new offers.
   */
  'session.conference': {
    params: z.object({ id: sessionId, conference: conferenceId.nullable() }),
    result: sessionState,
    errors: ['unknown-session'],
  },
  /**
   * Records both parties of the session as they are heard, in a file at the thin client whose place,
   * format and name its policy decides (`not-allowed` where it does not have it). `recording` begins,
   * in a new file, or goes on after a pause; `paused` puts silence in place of both; `stopped` ends.
   * It goes on through hold, conference and new offers; a session without audio has none
   * (`wrong-state`). How it goes on, and that it has ended by itself, `session.changed` tells. A
   * session that the person at the thin client has stopped recording is not recorded again.
   */
  'session.record': {
    params: z.object({
      id: sessionId,
      state: recordingState,
      /** Who has called, for the name of the file: `in` the other party. */
      direction: z.enum(['in', 'out']).optional(),
    }),
    result: sessionState,
    errors: ['unknown-session', 'wrong-state', 'not-allowed', 'recording-failed', 'worker-down'],
  },
  /**
   * Sends digits. A repeated `command` is not sent twice. `rfc4733` needs a negotiated
   * telephone-event; `inband` mixes the tone pair into the audio. Resolves when the last digit is out.
   */
  'session.dtmf': {
    params: z.object({
      id: sessionId,
      command: z.string().min(1).max(64),
      digits,
      method: z.enum(['rfc4733', 'inband']).default('rfc4733'),
      durationMs: z.int().min(40).max(6000).default(100),
      gapMs: z.int().min(30).max(2000).default(100),
    }),
    result: none,
    errors: ['unknown-session', 'wrong-state', 'worker-down'],
  },
  /**
   * 1 is unity, 0 silence, at most 4 (+12 dB). The person at the thin client has a volume of its own,
   * and both are multiplied: neither undoes the other's silence.
   */
  'audio.volume': {
    params: z.object({ role: audioRole, volume: z.number().min(0).max(4) }),
    result: none,
    errors: ['worker-down'],
  },
  /**
   * What is taken out of the microphone's audio, of all guests. What the person at the thin client has
   * switched on or off stays so; then this counts, then the configuration; what is left at `auto`
   * depends on the devices: on with a loudspeaker, off with what is worn at the ear. What is left out
   * stays as it was.
   */
  'audio.voice': { params: voiceWishes, result: none, errors: ['worker-down'] },
  /** Plays a tone at the thin client until `tone.stop` with the same id, or for `durationMs`. */
  'tone.play': {
    params: z.object({
      id: z.string().min(1).max(64),
      kind: toneKind,
      /** ISO 3166-1 alpha-2; the thin client's own by default. */
      country: z
        .string()
        .regex(/^[a-z]{2}$/i)
        .optional(),
      durationMs: z.int().min(1).max(600_000).optional(),
    }),
    result: none,
    errors: ['device-failed', 'worker-down', 'limit-reached'],
  },
  /** A tone that does not play is stopped already. */
  'tone.stop': { params: z.object({ id: z.string().min(1).max(64) }), result: none, errors: [] },
  'devices.list': {
    params: none,
    result: z.object({
      devices: z.array(audioDevice),
      selected: z.record(audioRole, z.string()),
      standIns: standIns.optional(),
    }),
    errors: ['worker-down'],
  },
  'devices.select': {
    params: z.object({ role: audioRole, id: z.string().min(1).max(512) }),
    result: none,
    errors: ['no-such-device', 'device-failed', 'not-allowed', 'worker-down'],
  },
  /** How often `session.stats` events come; 0 stops them. Late ones are dropped, never queued. */
  'stats.subscribe': {
    params: z.object({ intervalMs: z.union([z.literal(0), z.int().min(100).max(60_000)]) }),
    result: none,
    errors: [],
  },
} as const satisfies Record<string, MethodRow>;

/** What an engine tells of itself. `droppable` ones are discarded when the channel is slow. */
export const events = {
  /** The session changed by itself: recovered, latched on another source, muted at the thin client. */
  'session.changed': { params: sessionState, droppable: false },
  'session.stats': { params: sessionStats, droppable: true },
  /** The peer pressed a key (RFC 4733), once a press. */
  'session.dtmf': {
    params: z.object({ id: sessionId, digit: z.string().length(1), durationMs: z.number() }),
    droppable: false,
  },
  /**
   * Nothing has come from the peer for `silentMs` (RTP timeout), or it came again (0). A held
   * session raises none.
   */
  'session.rtpTimeout': {
    params: z.object({ id: sessionId, silentMs: z.number().min(0) }),
    droppable: false,
  },
  /**
   * The keys or the address of the session are no longer good: offer anew by re-INVITE. With
   * `address-changed` the engine has given the session up: it is to be opened anew.
   */
  'session.renegotiate': {
    params: z.object({
      id: sessionId,
      reason: z.enum(['srtp-counters-unknown', 'address-changed']),
    }),
    droppable: false,
  },
  /** The person at the thin client hung up: `closed` in `snapshot` until the guest closes it. */
  'session.hangup': { params: z.object({ id: sessionId }), droppable: false },
  /** Another instance of the guest, or another guest that knows the id, has claimed the session. */
  'session.released': { params: z.object({ id: sessionId }), droppable: false },
  /** News of a session that the guest's absence has cost it: its will was answered, or was not. */
  'session.ended': { params: endedSession, droppable: false },
  /** Where the thin client is, or that it does not know any more. */
  'location.changed': {
    params: z.object({ location: thinClientLocation.nullable() }),
    droppable: false,
  },
  /**
   * The person pressed a button at the headset. Told to one guest only, of those that say the capability
   * `headset-buttons`; without such a guest the engine hangs up and mutes by itself.
   */
  'headset.button': { params: z.object({ button: headsetButton }), droppable: false },
  'engine.health': { params: health, droppable: false },
  'devices.changed': {
    params: z.object({
      devices: z.array(audioDevice),
      selected: z.record(audioRole, z.string()),
      /** Sessions and tones that lost their device play on another one; empty when they are back. */
      standIns: standIns.optional(),
    }),
    droppable: false,
  },
} as const satisfies Record<string, { params: z.ZodType; droppable: boolean }>;

export type MethodName = keyof typeof methods;
export type EventName = keyof typeof events;
/** What a caller passes: defaults may be left out. */
export type MethodInput<M extends MethodName> = z.input<(typeof methods)[M]['params']>;
/** What an engine receives: validated, defaults filled in. */
export type MethodParams<M extends MethodName> = z.output<(typeof methods)[M]['params']>;
export type MethodResult<M extends MethodName> = z.output<(typeof methods)[M]['result']>;
export type EventParams<E extends EventName> = z.output<(typeof events)[E]['params']>;
export type MediaEvents = { [E in EventName]: EventParams<E> };
