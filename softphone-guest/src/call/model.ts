import type { Direction, SessionRecording, SessionState } from '@offhook/media-rpc';
import type { CallEnd } from '@offhook/signaling';

/**
 * Where a call stands, as people and scripts see it. Hold is no state of its own: an established
 * call may be held by us, by the peer, or by both, and stays established.
 */
type CallPhase =
  /** INVITE is out, nothing has been heard of the called phone. */
  | 'dialing'
  /** 180: the called phone rings; the ringback tone is ours to make. */
  | 'ringing'
  /** 18x with a description: the network plays the progress. */
  | 'early'
  /** It rings here. */
  | 'incoming'
  /** Taken here, 200 sent or under way. */
  | 'answering'
  | 'established'
  /** BYE, CANCEL or a refusal is under way. */
  | 'ending'
  | 'ended';

/** Where the sound of a call is: at the thin client, or on the hardware phone on the desk. */
export type Place = 'soft' | 'desk';

export interface RemoteParty {
  readonly uri: string;
  readonly displayName?: string | undefined;
  /** The name in our own contacts. */
  readonly contact?: string | undefined;
}

/** How a transfer of the call's peer to somebody else fares. */
export interface TransferProgress {
  readonly to: string;
  readonly state:
    | 'asked'
    | 'accepted'
    | 'progress'
    | 'succeeded'
    | 'failed'
    | 'refused'
    | 'unknown';
  /** SIP status of the target, or of the refusal; 0 when there is none. */
  readonly status: number;
  readonly reason: string;
}

/** A session description exchange that this end has started. */
type Negotiation = 'none' | 'running' | 'again';

export interface Call {
  readonly place: Place;
  /** Local id; the id of the media session begins with it, so that both ends' tools show the same. */
  readonly id: string;
  /** Call-ID of its dialog (RFC 3261 §20.8), or the CTI bridge's id: PBX logs and traces know it by that. */
  readonly sipCallId: string;
  /** The account's address of record. */
  readonly account: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly remote: RemoteParty;
  readonly phase: CallPhase;
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number;
  readonly answeredAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Hold by this end: what the person wants, and what the peer has agreed to. */
  readonly hold: { readonly wanted: boolean; readonly inForce: boolean };
  readonly remoteHeld: boolean;
  /** Muted in the guest by the person. */
  readonly muted: boolean;
  /** Muted at the thin client: the guest cannot undo it. */
  readonly locallyMuted: boolean;
  readonly negotiation: Negotiation;
  /** The engine has lost the session: it must be built anew as soon as the dialog allows. */
  readonly mediaLost: boolean;
  /** Milliseconds since something was last heard of the peer; 0 while audio comes. */
  readonly silentMs: number;
  readonly end: CallEnd | undefined;
  /** By us. */
  readonly transfer: TransferProgress | undefined;
  /** The conference that it is in: calls with the same name are mixed together. */
  readonly conference: string | undefined;
  /** Who asked for this call (RFC 3892). */
  readonly referredBy: string | undefined;
  /** Its recordings at the thin client, in order; of them only the last one can be running. */
  readonly recordings: readonly SessionRecording[];
  /** Where its RTP goes, as far as that is known. */
  readonly remoteMedia: SessionState['remote'];
}

/** What a person or a script asks for. */
export type CallCommand =
  | { readonly type: 'answer' }
  | {
      readonly type: 'reject';
      readonly status: number;
      readonly reason?: string | undefined;
      /** SIP URIs to try instead; then the status is a 3xx. */
      readonly contacts?: readonly string[] | undefined;
    }
  | { readonly type: 'hangup' }
  | { readonly type: 'hold' }
  | { readonly type: 'resume' }
  | { readonly type: 'mute'; readonly muted: boolean };

export type CallInput =
  | CallCommand
  /** The dialog moved (signaling's `state`). */
  | { readonly type: 'sip-progress'; readonly state: 'trying' | 'ringing' | 'early' }
  | { readonly type: 'sip-established'; readonly remoteIdentity: string }
  | { readonly type: 'sip-ended'; readonly end: CallEnd }
  /** The answer could not be sent (no engine, no common codec …); signaling has refused the call. */
  | { readonly type: 'answer-failed' }
  | { readonly type: 'negotiated' }
  | { readonly type: 'negotiation-failed' }
  | {
      readonly type: 'media-changed';
      /** Seen from the peer. */
      readonly remoteDirection: Direction | undefined;
      readonly locallyMuted: boolean;
      readonly recording?: SessionRecording | undefined;
      readonly remoteMedia?: SessionState['remote'];
    }
  | { readonly type: 'media-silent'; readonly silentMs: number }
  /** The engine no longer has the session. */
  | { readonly type: 'media-lost' }
  /** Keys or addresses are no longer good, or engine and guest disagree: offer anew. */
  | { readonly type: 'media-stale' }
  | { readonly type: 'transfer'; readonly progress: TransferProgress }
  | { readonly type: 'conference'; readonly conference: string | undefined }
  /** Somebody else is at the far end: the call was moved or transferred there. */
  | { readonly type: 'party'; readonly remote: RemoteParty }
  /** The person hung up at the thin client. */
  | { readonly type: 'media-hangup' };

export type CallEffect =
  | { readonly type: 'sip-answer' }
  | (Omit<Extract<CallCommand, { type: 'reject' }>, 'type'> & { readonly type: 'sip-reject' })
  | { readonly type: 'sip-hangup' }
  | { readonly type: 'renegotiate' }
  /** Take the media session's direction from now on; goes into the next description. */
  | { readonly type: 'set-direction'; readonly direction: 'sendrecv' | 'sendonly' | 'inactive' }
  | { readonly type: 'set-mute'; readonly muted: boolean }
  | { readonly type: 'set-conference'; readonly conference: string | undefined }
  | { readonly type: 'rebuild-media' }
  /** The call is over: read the last statistics, then free the session. */
  | { readonly type: 'finish' };

export interface Transition {
  readonly call: Call;
  readonly effects: readonly CallEffect[];
}

export interface NewCall {
  /** `soft` if absent. */
  readonly place?: Place | undefined;
  readonly id: string;
  readonly sipCallId: string;
  readonly account: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly remote: RemoteParty;
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  readonly referredBy?: string | undefined;
}

export function newCall(options: NewCall): Call {
  return {
    place: options.place ?? 'soft',
    id: options.id,
    sipCallId: options.sipCallId,
    account: options.account,
    direction: options.direction,
    remote: options.remote,
    phase: options.direction === 'outgoing' ? 'dialing' : 'incoming',
    startedAt: options.at,
    answeredAt: undefined,
    endedAt: undefined,
    hold: { wanted: false, inForce: false },
    remoteHeld: false,
    muted: false,
    locallyMuted: false,
    negotiation: 'none',
    mediaLost: false,
    silentMs: 0,
    end: undefined,
    transfer: undefined,
    conference: undefined,
    referredBy: options.referredBy,
    recordings: [],
    remoteMedia: undefined,
  };
}

export function isOver(call: Call): boolean {
  return call.phase === 'ending' || call.phase === 'ended';
}

/** Established and not held by this end: its audio is what the person hears and says. */
export function isActive(call: Call): boolean {
  return call.phase === 'established' && !call.hold.wanted;
}

/** Nothing is sent to the peer: muted by the person, or held. */
export function isSilenced(call: Call): boolean {
  return call.muted || call.hold.wanted || call.hold.inForce;
}
