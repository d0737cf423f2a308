import {
  mediaError,
  type Direction,
  type MediaOptions,
  type SdpStep,
  type SessionRecording,
} from '@offhook/media-rpc';
import { acceptAnswer } from '../sdp/accept.ts';
import { makeAnswer } from '../sdp/answer.ts';
import type { Agreement, LocalTransport, PendingOffer, Terms } from '../sdp/negotiation.ts';
import { makeOffer } from '../sdp/offer.ts';

/**
 * A media session as plain data and the steps that lead from one to the next (RFC 3264, RFC 6337).
 * Nothing here knows sockets, workers or time.
 */

/** Both descriptions that are in force. */
interface InForce {
  readonly agreement: Agreement;
  readonly localSdp: string;
  readonly remoteSdp: string;
}

/** Our offer, from when it goes out until the next offer of either side. */
interface OpenOffer {
  readonly pending: PendingOffer;
  readonly sdp: string;
  /** What was in force when it was made: a roll-back returns there. */
  readonly before: InForce | undefined;
  /** The keys that a roll-back returns to are dead. */
  readonly rekey: boolean;
  /** A final answer came. It may still be followed by that of another fork (RFC 6337 §3.1.3). */
  readonly settled: boolean;
}

/** What an answer has replaced, for as long as the peer may not have it. */
interface Replaced {
  readonly inForce: InForce | undefined;
  readonly wanted: Direction;
  readonly rekey: boolean;
}

export interface MediaSession {
  readonly id: string;
  readonly revision: number;
  readonly options: MediaOptions;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly local: LocalTransport;
  /** What the guest last asked for, whatever the peer made of it. */
  readonly wanted: Direction;
  readonly inForce: InForce | undefined;
  readonly offer: OpenOffer | undefined;
  /** After an `answer`, until the next step. */
  readonly replaced: Replaced | undefined;
  /** What the command of this revision returned, for when it is repeated. */
  readonly lastSdp: string | undefined;
  readonly muted: boolean;
  readonly locallyMuted: boolean;
  readonly conference: string | undefined;
  /** The last one. */
  readonly recording: SessionRecording | undefined;
  /** The person here has hung up; it stays until the guest knows. */
  readonly hungUp: boolean;
  /** The keys in force must not be used any more. */
  readonly rekey: boolean;
  /** The higher, the later the person took the call; 0 before it had any media. */
  readonly taken: number;
}

export interface StepContext {
  readonly newKey: Terms['newKey'];
  /** What `taken` becomes if the step means that the person takes the call. */
  readonly turn: number;
}

export interface StepResult {
  readonly session: MediaSession;
  readonly sdp: string | undefined;
}

export function newSession(
  facts: Pick<MediaSession, 'id' | 'options' | 'openedAt' | 'local'>,
): MediaSession {
  return {
    ...facts,
    revision: 0,
    wanted: 'inactive',
    inForce: undefined,
    offer: undefined,
    replaced: undefined,
    lastSdp: undefined,
    muted: false,
    locallyMuted: false,
    conference: undefined,
    recording: undefined,
    hungUp: false,
    rekey: false,
    taken: 0,
  };
}

/**
 * Carries out the command of `revision`, or gives again what it gave.
 *
 * @throws errors of the contract; the session is then what it was.
 */
export function advance(
  session: MediaSession,
  revision: number,
  step: SdpStep,
  context: StepContext,
): StepResult {
  if (revision < session.revision) {
    throw mediaError(
      'stale-revision',
      `The session is at revision ${session.revision}, the command at ${revision}`,
    );
  }
  if (revision === session.revision) return { session, sdp: session.lastSdp };
  if (session.hungUp) throw mediaError('wrong-state', 'The person at the thin client hung up');
  const { session: next, sdp } = take({ ...session, replaced: undefined }, step, context, session);
  return { session: { ...next, revision, lastSdp: sdp }, sdp };
}

/** Whether our offer waits for its final answer. */
export function offering(session: MediaSession): boolean {
  return session.offer !== undefined && !session.offer.settled;
}

function take(
  session: MediaSession,
  step: SdpStep,
  context: StepContext,
  { replaced }: MediaSession,
): StepResult {
  const terms: Terms = {
    options: session.options,
    local: session.local,
    current: session.inForce?.agreement,
    newKey: context.newKey,
    rekey: session.rekey,
  };
  switch (step.type) {
    case 'offer': {
      if (offering(session)) throw mediaError('wrong-state', 'An offer is out already');
      const { sdp, offer } = makeOffer(terms, step);
      return {
        sdp,
        session: {
          ...session,
          offer: {
            pending: offer,
            sdp,
            before: session.inForce,
            rekey: session.rekey,
            settled: false,
          },
        },
      };
    }
    case 'answer': {
      // Both have offered: one of them has to give way (RFC 3261 §14.1, 491).
      if (offering(session)) throw mediaError('wrong-state', 'Our own offer is out');
      const { sdp, agreement } = makeAnswer(terms, step, step.offer);
      const inForce = { agreement, localSdp: sdp, remoteSdp: step.offer };
      const next = {
        ...session,
        inForce,
        offer: undefined,
        rekey: false,
        replaced: { inForce: session.inForce, wanted: session.wanted, rekey: session.rekey },
      };
      return { sdp, session: wants(next, session, step.direction, context) };
    }
    case 'accept': {
      const { offer } = session;
      if (offer === undefined) throw mediaError('wrong-state', 'No offer of ours to accept for');
      const agreement = acceptAnswer(terms, offer.pending, step.answer);
      const inForce = { agreement, localSdp: offer.sdp, remoteSdp: step.answer };
      const settled = offer.settled || !step.provisional;
      const next = { ...session, inForce, offer: { ...offer, settled }, rekey: false };
      return {
        sdp: undefined,
        session: wants(next, session, offer.pending.direction, context),
      };
    }
    case 'rollback': {
      if (step.of === 'answer') return { sdp: undefined, session: takeBack(session, replaced) };
      const { offer } = session;
      if (offer === undefined || offer.settled) {
        throw mediaError('wrong-state', 'No offer of ours is out');
      }
      const { before: inForce, rekey } = offer;
      return { sdp: undefined, session: { ...session, inForce, rekey, offer: undefined } };
    }
    default:
      return step satisfies never;
  }
}

/**
 * The answer of the last step never left. Keys that it has replaced are dead: their counters went
 * with them (RFC 3711 §9.1).
 */
function takeBack(session: MediaSession, replaced: Replaced | undefined): MediaSession {
  if (replaced === undefined) {
    throw mediaError('wrong-state', 'The last step was no answer of ours');
  }
  const { inForce, wanted } = replaced;
  const key = inForce?.agreement.srtp?.tx;
  const rekeyed = key !== undefined && key !== session.inForce?.agreement.srtp?.tx;
  return { ...session, inForce, wanted, rekey: replaced.rekey || rekeyed };
}

/** The person takes a call when its audio begins, and again when it comes back from hold. */
function wants(
  next: MediaSession,
  before: MediaSession,
  wanted: Direction,
  context: StepContext,
): MediaSession {
  const begins = before.inForce === undefined && before.taken === 0;
  const resumes =
    wanted === 'sendrecv' && before.inForce !== undefined && before.wanted !== 'sendrecv';
  return { ...next, wanted, taken: begins || resumes ? context.turn : next.taken };
}
