import type { EventSource } from '@offhook/common';
import type {
  AudioDevice,
  AudioRole,
  CodecName,
  Direction,
  NoiseSuppression,
  SrtpSuite,
  StandIns,
} from '@offhook/media-rpc';

/**
 * The border inside the engine: above it sessions, SDP and policy, which touch no socket; below it
 * the worker, which knows legs and nothing of SDP. `gstreamer/` implements it over the C worker;
 * unit tests of the engine implement it in memory.
 */

export interface TransportAddress {
  /** Numeric IPv4 or IPv6. */
  readonly address: string;
  readonly port: number;
}

/** A pair of bound UDP sockets that the worker holds, whatever becomes of the pipelines on it. */
export interface RtpSockets {
  readonly id: string;
  readonly rtp: TransportAddress;
  readonly rtcp: TransportAddress;
}

export interface CodecConfig {
  readonly name: CodecName;
  readonly payloadType: number;
  /** RTP clock: 8000 for G.722 too (RFC 3551 §4.5.2). */
  readonly clockRate: number;
  readonly ptimeMs: number;
  /** Opus: what the peer wants to receive (RFC 7587 §6.1). */
  readonly opus?: {
    readonly inbandFec: boolean;
    readonly dtx: boolean;
    readonly maxAverageBitrate?: number;
  };
}

export interface SrtpKey {
  readonly suite: SrtpSuite;
  /** Master key and salt, concatenated: 30 bytes for AES-128, 46 for AES-256 (RFC 4568 §6.1). */
  readonly keySalt: Uint8Array;
}

/** What is taken out of the microphone's audio before it is sent; all off costs nothing. */
export interface VoiceProcessing {
  /** What the far end has said and the loudspeaker has played. */
  readonly echoCancellation: boolean;
  readonly noiseSuppression: NoiseSuppression;
  /** Evens out the level. */
  readonly gainControl: boolean;
}

/** Everything that a leg is. Passing another one to `setLeg` moves the leg to it. */
export interface LegConfig {
  readonly id: string;
  readonly sockets: string;
  readonly direction: Direction;
  readonly codec: CodecConfig;
  readonly telephoneEvent?: { readonly payloadType: number; readonly clockRate: number };
  /**
   * An unspecified address (`0.0.0.0`, `::`) or port 0 is the hold of RFC 2543 (RFC 3264 §8.4): nothing
   * is sent there, not even RTCP, until another address is set; what comes in is still received.
   */
  readonly remote: {
    readonly rtp: TransportAddress;
    readonly rtcp: TransportAddress;
    readonly rtcpMux: boolean;
  };
  /**
   * Symmetric RTP (RFC 4961): `off` sends to `remote` only; `once` follows the first valid source
   * and then sticks; `follow` changes again once the present source has been silent for 2 s.
   */
  readonly latching: 'off' | 'once' | 'follow';
  readonly srtp?: { readonly tx: SrtpKey; readonly rx: SrtpKey };
  /**
   * Device ids of the contract: `pulse:…`, `alsa:…`, `tone:440`, `file:…`, `null`, `default`; and
   * as input `echo`: what this leg itself has received and decoded (echo test numbers, PBXs).
   */
  readonly input: string;
  readonly output: string;
  readonly muted: boolean;
  /** Of a microphone; inputs without one, such as files and tones, are sent as they are. */
  readonly voice?: VoiceProcessing;
  /**
   * Legs of a conference: what these have received is added to what this one sends (mix-minus: never
   * its own). All legs of one worker; one that is not there, or no more, is silence.
   */
  readonly hears?: readonly string[];
  readonly jitterBufferMs: { readonly min: number; readonly max: number };
}

export interface EchoStats {
  /** From the playing of the far end to its echo in the microphone's audio, ms. */
  readonly delayMs: number;
  /** Echo return loss enhancement of the last seconds in which the far end spoke, dB. */
  readonly erleDb?: number;
}

export interface LegStats {
  readonly tx: { readonly packets: number; readonly bytes: number; readonly ssrc: number };
  readonly rx: {
    readonly packets: number;
    readonly bytes: number;
    readonly lost: number;
    readonly jitterMs: number;
    readonly ssrc?: number;
    /** Wall clock of the last packet, ms since the epoch. */
    readonly lastPacketAt?: number;
    /** Packets dropped for failing SRTP authentication, replay or source policy. */
    readonly rejected: number;
  };
  /** From the peer's reports about our stream, when some came (RFC 3550 §6.4.1). */
  readonly remote?: {
    readonly lost: number;
    readonly fractionLost: number;
    readonly jitterMs: number;
  };
  readonly rttMs?: number;
  readonly concealedPct: number;
  readonly jitterBufferMs: number;
  readonly levels?: { readonly inputDb: number; readonly outputDb: number };
  /** Of the echo canceller, once it has found an echo. */
  readonly echo?: EchoStats;
  /** Where media now goes, after latching. */
  readonly sendingTo: TransportAddress;
}

export interface ToneCadence {
  /**
   * Played in order, then from the start again, without a gap. Frequencies in Hz are summed; none
   * is silence. A single step is a continuous tone.
   */
  readonly steps: readonly { readonly frequencies: readonly number[]; readonly ms: number }[];
  /** dBFS of each frequency. */
  readonly levelDb: number;
}

/** Both parties of a leg, as they are heard, in a file. */
export interface RecordingConfig {
  readonly leg: string;
  /** Absolute path of a file that is there and may be written; what is in it is replaced. */
  readonly file: string;
  /** WAV of 16 bit at 16 kHz, or Ogg/Opus (RFC 7845). */
  readonly format: 'wav' | 'ogg';
  /** `stereo`: this end on the left, the others on the right. */
  readonly channels: 'stereo' | 'mixed';
}

/** A recording has ended by itself; what was written until then can be played. */
export interface RecordingEnd {
  readonly leg: string;
  readonly reason: 'failed' | 'worker-lost';
  readonly message: string;
}

export interface MediaPlaneEvents {
  recordingEnded: RecordingEnd;
  /** A digit of the peer has ended. */
  dtmf: { leg: string; digit: string; durationMs: number };
  /** The source that media is sent to has changed by latching. */
  latched: { leg: string; remote: TransportAddress };
  /** The leg's device went away or failed; the leg has fallen back to `null` or the default. */
  deviceFailed: { leg: string; role: AudioRole; device: string; message: string };
  devicesChanged: { devices: readonly AudioDevice[] };
  /** What legs and tones use in place of the devices that they should. */
  standIns: { standIns: StandIns };
  /**
   * The worker died and is being restarted (`restarting`), or serves again with every leg rebuilt
   * on the same ports (`up`). `countersUnknown` names legs with SRTP whose indices could not be
   * carried over: they send nothing until new keys are set.
   */
  worker: {
    state: 'up' | 'restarting' | 'failed';
    message: string;
    countersUnknown: readonly string[];
  };
}

export interface MediaPlane extends EventSource<MediaPlaneEvents> {
  /**
   * What a running worker has kept through the death of an engine: every pair of sockets with its
   * tag, the legs on them with their keys, and the recordings of legs. Call before anything else.
   */
  adopt(): Promise<{
    readonly sockets: readonly (RtpSockets & { readonly tag: string })[];
    readonly legs: readonly LegConfig[];
    readonly recordings: readonly { readonly leg: string; readonly file: string }[];
  }>;
  /**
   * Binds an even RTP port and the odd one above it for RTCP (RFC 3550 §11), exclusively.
   * Rejects with `limit-reached` when the range is used up.
   */
  openSockets(options: {
    address: string;
    ports: { from: number; to: number };
    dscp: number;
    tag: string;
  }): Promise<RtpSockets>;
  /** Closes the legs on them, too. Sockets that are not there are closed already. */
  closeSockets(id: string): Promise<void>;
  /**
   * Replaces what `adopt` gives back with these sockets. Opaque to the plane, at most 64 KiB; it may
   * hold keys, so it stays in memory and out of every log.
   */
  setTag(sockets: string, tag: string): Promise<void>;
  /**
   * Creates the leg or changes it to this configuration by the least intrusion (a property where
   * that is enough, a rebuild on the same sockets and SSRC where not). Idempotent.
   */
  setLeg(config: LegConfig): Promise<void>;
  closeLeg(id: string): Promise<void>;
  /**
   * Records a leg through all its changes until `stopRecording`. Nothing of it stops the leg: with a
   * disk that is too slow there is silence in the file, with one that is full the recording ends.
   */
  startRecording(config: RecordingConfig): Promise<void>;
  /** While paused, silence is recorded in place of both parties. */
  pauseRecording(leg: string, paused: boolean): Promise<void>;
  /** Resolves when the file is whole. A leg that is not recorded is no error. */
  stopRecording(leg: string): Promise<void>;
  sendDtmf(
    leg: string,
    options: { digits: string; method: 'rfc4733' | 'inband'; durationMs: number; gapMs: number },
  ): Promise<void>;
  stats(leg: string): Promise<LegStats>;
  setVolume(role: AudioRole, volume: number): Promise<void>;
  playTone(id: string, tone: ToneCadence, device: string): Promise<void>;
  stopTone(id: string): Promise<void>;
  listDevices(): Promise<readonly AudioDevice[]>;
  /** How long, in ms, the worker plays on when the engine dies, until another engine comes. */
  setLease(ms: number): Promise<void>;
  /** Leaves the worker and its legs running unless `stopWorker`. */
  close(options: { stopWorker: boolean }): Promise<void>;
}
