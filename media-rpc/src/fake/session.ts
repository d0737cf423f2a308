import { mediaError } from '../engine.ts';
import type {
  Direction,
  MediaOptions,
  SdpStep,
  SessionRecording,
  SessionState,
} from '../schemas.ts';
import {
  acceptAnswer,
  makeAnswer,
  makeOffer,
  type FakeAgreement,
  type FakeEndpoint,
} from './negotiate.ts';

interface Offer {
  readonly sdp: string;
  readonly direction: Direction;
  readonly before: InForce | undefined;
  /** The final answer came; that of another fork may still follow. */
  readonly settled: boolean;
}

interface InForce {
  readonly agreement: FakeAgreement;
  readonly localSdp: string;
  readonly remoteSdp: string;
}

/** A session of the fake engine: plain data, a step makes another one. */
export interface FakeSession {
  readonly id: string;
  readonly revision: number;
  readonly options: MediaOptions;
  readonly local: FakeEndpoint;
  readonly openedAt: number;
  readonly muted: boolean;
  readonly locallyMuted: boolean;
  readonly conference?: string | undefined;
  readonly recording?: SessionRecording | undefined;
  readonly inForce: InForce | undefined;
  readonly offer: Offer | undefined;
  /** What the answer of the last step has replaced; absent after any other step. */
  readonly replaced?: { readonly inForce: InForce | undefined } | undefined;
  /** What the command of this revision gave, for its repetition. */
  readonly lastSdp: string | undefined;
}

/** The command of that revision carried out, or given again. @throws errors of the contract. */
export function takeStep(session: FakeSession, revision: number, step: SdpStep): FakeSession {
  if (revision < session.revision) throw mediaError('stale-revision');
  if (revision === session.revision) return session;
  return { ...session, replaced: undefined, ...change(session, step), revision };
}

function change(session: FakeSession, step: SdpStep): Partial<FakeSession> {
  const { options, local, offer, inForce } = session;
  const offering = offer !== undefined && !offer.settled;
  switch (step.type) {
    case 'offer': {
      if (offering) throw mediaError('wrong-state', 'An offer is out already');
      const { direction, origin } = step;
      const sdp = makeOffer({ options, local, direction, origin });
      return { offer: { sdp, direction, before: inForce, settled: false }, lastSdp: sdp };
    }
    case 'answer': {
      if (offering) throw mediaError('wrong-state', 'Our own offer is out');
      const { direction, origin } = step;
      const { sdp, agreement } = makeAnswer({ options, local, direction, origin }, step.offer);
      const next = { agreement, localSdp: sdp, remoteSdp: step.offer };
      return { inForce: next, offer: undefined, lastSdp: sdp, replaced: { inForce } };
    }
    case 'accept': {
      if (offer === undefined) throw mediaError('wrong-state', 'No offer of ours is out');
      const agreement = acceptAnswer(options, offer.direction, step.answer);
      const next = { agreement, localSdp: offer.sdp, remoteSdp: step.answer };
      const settled = offer.settled || !step.provisional;
      return { inForce: next, offer: { ...offer, settled }, lastSdp: undefined };
    }
    case 'rollback':
      if (step.of === 'answer') {
        if (session.replaced === undefined) throw mediaError('wrong-state');
        return { ...session.replaced, replaced: undefined, lastSdp: undefined };
      }
      if (!offering) throw mediaError('wrong-state', 'No offer of ours is out');
      return { inForce: offer.before, offer: undefined, lastSdp: undefined };
    default:
      return step satisfies never;
  }
}

/** The session as it is to be recorded from now on. */
export function record(
  session: FakeSession,
  state: SessionRecording['state'],
  now: number,
): FakeSession {
  const { recording } = session;
  const running = recording !== undefined && recording.state !== 'stopped';
  if (session.inForce === undefined || (state === 'paused' && !running))
    throw mediaError('wrong-state');
  if (state === recording?.state || (state === 'stopped' && !running)) return session;
  if (state !== 'recording' && running) {
    const seconds = (now - recording.startedAt) / 1000;
    const stop = state === 'stopped' ? { seconds, reason: 'guest' as const } : {};
    return { ...session, recording: { ...recording, state, ...stop } };
  }
  const before = running ? recording : { file: `${session.id}-${now}.wav`, startedAt: now };
  return { ...session, recording: { ...before, state } };
}

/** The row of `snapshot`. */
export function stateOf(session: FakeSession): SessionState {
  const { id, revision, options, local, openedAt, muted, locallyMuted, inForce, offer } = session;
  const offering = offer !== undefined && !offer.settled;
  const localSdp = offering ? offer.sdp : inForce?.localSdp;
  const agreement = inForce?.agreement;
  return {
    id,
    revision,
    state: offering ? 'offered' : inForce === undefined ? 'idle' : 'active',
    muted,
    locallyMuted,
    ...(session.conference === undefined ? {} : { conference: session.conference }),
    ...(session.recording === undefined ? {} : { recording: session.recording }),
    label: options.label,
    openedAt,
    local: { address: local.address, port: local.port },
    ...(localSdp === undefined ? {} : { localSdp }),
    ...(inForce === undefined ? {} : { remoteSdp: inForce.remoteSdp }),
    ...(agreement === undefined
      ? {}
      : {
          direction: agreement.direction,
          remoteDirection: agreement.remoteDirection,
          codec: agreement.codec,
          remote: { ...agreement.remote },
          ...(agreement.srtp === undefined ? {} : { srtp: agreement.srtp }),
        }),
  };
}
