import { OffhookError } from '@offhook/common';
import type { Direction } from '@offhook/media-rpc';
import {
  isOver,
  isSilenced,
  type Call,
  type CallCommand,
  type CallEffect,
  type CallInput,
  type Transition,
} from './model.ts';
import { withoutRecorder, withRecording } from './recordings.ts';

type Endpoint = Call['remoteMedia'];

/**
 * The call as a pure function: a call, an input and the wall clock give the next call and what is to
 * be done about it. Inputs that come late (a 180 after the 200, an event of a call that is over)
 * change nothing; commands that do not fit the phase throw `{layer: 'call', code: 'wrong-state'}`.
 */
export function step(call: Call, input: CallInput, at: number): Transition {
  switch (input.type) {
    case 'answer':
    case 'reject':
    case 'hangup':
    case 'hold':
    case 'resume':
    case 'mute':
      return command(call, input);
    case 'sip-progress':
      return progress(call, input.state);
    case 'sip-established':
      return established(call, at);
    case 'sip-ended':
      return ended(call, input.end, at);
    case 'answer-failed':
      return call.phase === 'answering' ? to({ ...call, phase: 'ending' }) : same(call);
    case 'negotiated':
      return negotiated(call);
    case 'negotiation-failed':
      return negotiationFailed(call);
    case 'transfer':
      return same({ ...call, transfer: input.progress });
    case 'party':
      return same({ ...call, remote: input.remote });
    case 'conference':
      return call.conference === input.conference || isOver(call)
        ? same(call)
        : to(
            { ...call, conference: input.conference },
            { type: 'set-conference', conference: input.conference },
          );
    case 'media-changed':
      return mediaChanged(call, input);
    case 'media-silent':
      return same(call.silentMs === input.silentMs ? call : { ...call, silentMs: input.silentMs });
    case 'media-lost':
      return mediaLost(call);
    case 'media-stale':
      return call.phase === 'established' ? negotiate(call) : same(call);
    case 'media-hangup':
      return isOver(call) ? same(call) : hangup(call);
    default:
      return input satisfies never;
  }
}

function command(call: Call, input: CallCommand): Transition {
  switch (input.type) {
    case 'answer':
      if (call.phase === 'answering') return same(call);
      require(call, input, call.phase === 'incoming');
      return to({ ...call, phase: 'answering' }, { type: 'sip-answer' });
    case 'reject':
      require(call, input, call.phase === 'incoming');
      return to({ ...call, phase: 'ending' }, { ...input, type: 'sip-reject' });
    case 'hangup':
      return isOver(call) ? same(call) : hangup(call);
    case 'hold':
      require(call, input, call.phase === 'established');
      return setHold(call, true);
    case 'resume':
      require(call, input, call.phase === 'established');
      return setHold(call, false);
    case 'mute':
      require(call, input, !isOver(call));
      return mute(call, input.muted);
    default:
      return input satisfies never;
  }
}

/** An incoming call that was not taken is declined by hanging up, as the red key of a phone does. */
function hangup(call: Call): Transition {
  return call.phase === 'incoming'
    ? to({ ...call, phase: 'ending' }, { type: 'sip-reject', status: 486 })
    : to({ ...call, phase: 'ending' }, { type: 'sip-hangup' });
}

function progress(call: Call, state: 'trying' | 'ringing' | 'early'): Transition {
  if (call.direction !== 'outgoing') return same(call);
  if (call.phase !== 'dialing' && call.phase !== 'ringing' && call.phase !== 'early') {
    return same(call);
  }
  // Early media stays early when a further 180 without a description follows (RFC 3960 §3.2).
  if (state === 'trying' || call.phase === 'early') return same(call);
  return same({ ...call, phase: state });
}

function established(call: Call, at: number): Transition {
  if (isOver(call) || call.phase === 'established') return same(call);
  const next: Call = { ...call, phase: 'established', answeredAt: at };
  return next.mediaLost ? rebuild(next) : same(next);
}

function ended(call: Call, end: Call['end'], at: number): Transition {
  if (call.phase === 'ended') return same(call);
  return to(
    { ...call, phase: 'ended', endedAt: at, end, negotiation: 'none', silentMs: 0 },
    { type: 'finish' },
  );
}

/**
 * RFC 3264 §8.4. The microphone is cut at once, not when the peer has agreed; and it opens only when
 * the peer has agreed to the resumption.
 */
function setHold(call: Call, wanted: boolean): Transition {
  if (call.hold.wanted === wanted) return same(call);
  const next: Call = { ...call, hold: { ...call.hold, wanted } };
  const cut: readonly CallEffect[] =
    isSilenced(next) === isSilenced(call) ? [] : [{ type: 'set-mute', muted: isSilenced(next) }];
  const { call: negotiating, effects } = negotiate(next);
  return { call: negotiating, effects: [...cut, ...effects] };
}

function mute(call: Call, muted: boolean): Transition {
  const next: Call = { ...call, muted };
  return isSilenced(next) === isSilenced(call)
    ? same(next)
    : to(next, { type: 'set-mute', muted: isSilenced(next) });
}

/** One offer at a time (RFC 3264 §4): what is wanted meanwhile is offered after it. */
function negotiate(call: Call): Transition {
  if (call.negotiation !== 'none') return same({ ...call, negotiation: 'again' });
  return to(
    { ...call, negotiation: 'running' },
    { type: 'set-direction', direction: offeredDirection(call) },
    { type: 'renegotiate' },
  );
}

/** What an offer asks for; the peer's own hold comes back in its answer, or has gone. */
function offeredDirection(call: Call): 'sendrecv' | 'sendonly' | 'inactive' {
  if (!call.hold.wanted) return 'sendrecv';
  return call.remoteHeld ? 'inactive' : 'sendonly';
}

function negotiated(call: Call): Transition {
  if (call.negotiation === 'none') return same(call);
  if (call.negotiation === 'again') return negotiate({ ...call, negotiation: 'none' });
  const next: Call = {
    ...call,
    negotiation: 'none',
    hold: { ...call.hold, inForce: call.hold.wanted },
  };
  return isSilenced(next) === isSilenced(call)
    ? same(next)
    : to(next, { type: 'set-mute', muted: isSilenced(next) });
}

/** The engine repeats its state with every step: what has not changed is no change of the call. */
function mediaChanged(
  call: Call,
  input: Extract<CallInput, { type: 'media-changed' }>,
): Transition {
  const held = remoteHeld(call, input.remoteDirection);
  const recordings = withRecording(call.recordings, input.recording);
  const remoteMedia = sameEndpoint(call.remoteMedia, input.remoteMedia);
  const { locallyMuted } = input;
  if (
    held === call.remoteHeld &&
    locallyMuted === call.locallyMuted &&
    recordings === call.recordings &&
    remoteMedia === call.remoteMedia
  )
    return same(call);
  return same({ ...call, remoteHeld: held, locallyMuted, recordings, remoteMedia });
}

/** The one that was known, unless there is another one. */
function sameEndpoint(known: Endpoint, told: Endpoint): Endpoint {
  if (told === undefined) return known;
  return known?.address === told.address && known.port === told.port ? known : told;
}

/** While we hold, `inactive` may be but the answer to our own hold: it says nothing of the peer's. */
function remoteHeld(call: Call, remote: Direction | undefined): boolean {
  if (remote === 'inactive' && isSilencedByHold(call)) return call.remoteHeld;
  return remote === 'sendonly' || remote === 'inactive';
}

function isSilencedByHold(call: Call): boolean {
  return call.hold.wanted || call.hold.inForce;
}

/** The call goes on as it was agreed before (RFC 3261 §14.1). */
function negotiationFailed(call: Call): Transition {
  if (call.negotiation === 'none') return same(call);
  if (call.negotiation === 'again') return negotiate({ ...call, negotiation: 'none' });
  const next: Call = {
    ...call,
    negotiation: 'none',
    hold: { wanted: call.hold.inForce, inForce: call.hold.inForce },
  };
  const effects: CallEffect[] = [{ type: 'set-direction', direction: offeredDirection(next) }];
  if (isSilenced(next) !== isSilenced(call)) {
    effects.push({ type: 'set-mute', muted: isSilenced(next) });
  }
  return { call: next, effects };
}

/**
 * The engine came back without the session. An established call moves its audio by re-INVITE; one
 * that is still being set up waits until the dialog allows an offer.
 */
function mediaLost(call: Call): Transition {
  if (isOver(call)) return same(call);
  const left = { ...call, recordings: withoutRecorder(call.recordings) };
  return call.phase === 'established' ? rebuild(left) : same({ ...left, mediaLost: true });
}

function rebuild(call: Call): Transition {
  const { call: next, effects } = negotiate({ ...call, mediaLost: false });
  return { call: next, effects: [{ type: 'rebuild-media' }, ...effects] };
}

function require(call: Call, input: CallCommand, allowed: boolean): void {
  if (allowed) return;
  throw new OffhookError(
    'call',
    'wrong-state',
    `cannot ${input.type} call ${call.id}: it is ${call.phase}`,
    { details: { id: call.id, phase: call.phase } },
  );
}

function same(call: Call): Transition {
  return { call, effects: [] };
}

function to(call: Call, ...effects: readonly CallEffect[]): Transition {
  return { call, effects };
}
