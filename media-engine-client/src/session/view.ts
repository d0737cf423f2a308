import type { SessionState } from '@offhook/media-rpc';
import type { LegConfig, TransportAddress, VoiceProcessing } from '../media-plane.ts';
import { intersect } from '../sdp/direction.ts';
import { offering, type MediaSession } from './machine.ts';

/** What surrounds a session: facts that are not the guest's to change. */
export interface Surroundings {
  /** Another call has microphone and speaker. */
  readonly background: boolean;
  /** Nobody is there to be spoken to: nothing is sent until the peer is heard again. */
  readonly deserted: boolean;
  /** The worker or its device is being brought back. */
  readonly recovering: boolean;
  /** Where media really goes, after latching. */
  readonly sendingTo: TransportAddress | undefined;
}

/** The session's row in the contract. */
export function sessionState(session: MediaSession, around: Surroundings): SessionState {
  const { inForce, local } = session;
  const agreement = inForce?.agreement;
  const localSdp = offering(session) ? session.offer?.sdp : inForce?.localSdp;
  const remote = around.sendingTo ?? agreement?.remote.rtp;
  return {
    id: session.id,
    revision: session.revision,
    state: phase(session, around.recovering),
    ...(agreement === undefined
      ? {}
      : {
          direction: agreement.direction,
          remoteDirection: agreement.remoteDirection,
          codec: agreement.codec.name,
        }),
    ...(agreement?.srtp === undefined ? {} : { srtp: agreement.srtp.suite }),
    ...(localSdp === undefined ? {} : { localSdp }),
    ...(inForce === undefined ? {} : { remoteSdp: inForce.remoteSdp }),
    local: local.rtp,
    ...(remote === undefined ? {} : { remote }),
    muted: session.muted,
    locallyMuted: session.locallyMuted,
    ...(around.background ? { background: true } : {}),
    ...(session.conference === undefined ? {} : { conference: session.conference }),
    ...(session.recording === undefined ? {} : { recording: session.recording }),
    label: session.options.label,
    openedAt: session.openedAt,
  };
}

function phase(session: MediaSession, recovering: boolean): SessionState['state'] {
  if (session.hungUp) return 'closed';
  if (recovering && session.inForce !== undefined) return 'recovering';
  if (offering(session)) return 'offered';
  return session.inForce === undefined ? 'idle' : 'active';
}

export interface LegSettings {
  readonly sockets: string;
  readonly input: string;
  readonly output: string;
  readonly voice?: VoiceProcessing;
  readonly latching: LegConfig['latching'];
  readonly jitterBufferMs: LegConfig['jitterBufferMs'];
  /** Legs of the same conference. */
  readonly hears?: readonly string[];
}

/** The leg that the session needs in the worker; undefined where there is nothing to send or play. */
export function legConfig(
  session: MediaSession,
  around: Pick<Surroundings, 'background' | 'deserted'>,
  settings: LegSettings,
): LegConfig | undefined {
  const agreement = session.inForce?.agreement;
  if (agreement === undefined || session.hungUp) return undefined;
  const { hears = [] } = settings;
  const muted = session.muted || session.locallyMuted || around.background || holding(session);
  return {
    id: settings.sockets,
    sockets: settings.sockets,
    direction:
      around.deserted || (session.rekey && agreement.srtp !== undefined)
        ? intersect(agreement.direction, 'recvonly')
        : agreement.direction,
    codec: agreement.codec,
    ...(agreement.telephoneEvent === undefined ? {} : { telephoneEvent: agreement.telephoneEvent }),
    remote: agreement.remote,
    latching: settings.latching,
    ...(agreement.srtp === undefined
      ? {}
      : {
          srtp: {
            tx: { suite: agreement.srtp.suite, keySalt: fromBase64(agreement.srtp.tx) },
            rx: { suite: agreement.srtp.suite, keySalt: fromBase64(agreement.srtp.rx) },
          },
        }),
    input: settings.input,
    output: around.background ? 'null' : settings.output,
    muted,
    // Nobody hears what is said: nothing has to be done for it.
    ...(settings.voice === undefined || muted ? {} : { voice: settings.voice }),
    ...(hears.length === 0 ? {} : { hears }),
    jitterBufferMs: settings.jitterBufferMs,
  };
}

/**
 * A hold sends silence: whoever is held must not hear what is said meanwhile, not even while the
 * peer has yet to answer.
 */
export function holding(session: MediaSession): boolean {
  const wanted = offering(session) ? session.offer?.pending.direction : session.wanted;
  return wanted === 'sendonly' || session.wanted === 'sendonly';
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
