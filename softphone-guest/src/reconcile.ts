import type { EndedSession, SessionState } from '@offhook/media-rpc';

/** A media session as this end wants it: the journal's half. */
export interface DesiredSession {
  readonly id: string;
  /** Of the last command that this end knows to have been carried out; 0 before `session.open`. */
  readonly revision: number;
  /** A command is on its way, and will be repeated by whoever waits for it. */
  readonly inFlight: boolean;
  /** The engine may still have a description that came to nothing with the peer. */
  readonly leftOver: boolean;
  readonly muted: boolean;
  readonly conference?: string | undefined;
}

export interface Desired {
  readonly sessions: readonly DesiredSession[];
  /** `lost`: there may be calls that this end does not know of any more. */
  readonly journal: 'healthy' | 'lost';
}

/** The engine's half: what `snapshot` says, not to be trusted further than its schema goes. */
export interface Found {
  readonly sessions: readonly SessionState[];
  /** Ended while we were away, because we were. */
  readonly ended: readonly EndedSession[];
}

export type ReconcileAction =
  /** Same session, same revision: the audio never stopped. */
  | { readonly type: 'adopt'; readonly session: SessionState }
  /** Engine and guest disagree: take the engine's revision, then offer anew. */
  | { readonly type: 'renegotiate'; readonly id: string; readonly session: SessionState }
  /** The engine has lost it: open it again and move the audio by re-INVITE. */
  | { readonly type: 'rebuild'; readonly id: string }
  /** It is over: the person at the thin client hung up, or our last will was obeyed. */
  | { readonly type: 'hangup'; readonly id: string; readonly because: 'person' | 'will' }
  | { readonly type: 'mute'; readonly id: string; readonly muted: boolean }
  | {
      readonly type: 'conference';
      readonly id: string;
      readonly conference: string | undefined;
    }
  /** Nobody here knows it, and nobody has lost anything: of a guest daemon that is no more. */
  | { readonly type: 'close'; readonly id: string }
  /** Of a call that a lost journal may have had: it goes on under its lease. */
  | { readonly type: 'keep'; readonly session: SessionState }
  /** We have learned that it ended; the engine need not remember it. */
  | { readonly type: 'forget'; readonly ended: EndedSession };

/**
 * What to do when an engine is there (again), whatever it was that had parted us: a broken channel, a
 * new life of the engine or of this daemon, another thin client, a migration. Pure, over what should
 * be and what is; carried out and asked again it gives nothing but `adopt` and `keep`.
 */
export function reconcile(desired: Desired, found: Found): readonly ReconcileAction[] {
  // An engine that names a session twice means the last one; it has no way to hold two.
  const have = new Map(found.sessions.map((one) => [one.id, one]));
  const over = new Map(found.ended.map((one) => [one.id, one]));
  const actions: ReconcileAction[] = found.ended.map((ended) => ({ type: 'forget', ended }));
  for (const want of desired.sessions) {
    const session = have.get(want.id);
    have.delete(want.id);
    actions.push(...forWanted(want, session, over.get(want.id)));
  }
  for (const session of have.values()) {
    // One that was hung up at the thin client is over, whoever knew it.
    const keep = desired.journal === 'lost' && session.state !== 'closed';
    actions.push(keep ? { type: 'keep', session } : { type: 'close', id: session.id });
  }
  return actions;
}

function forWanted(
  want: DesiredSession,
  session: SessionState | undefined,
  ended: EndedSession | undefined,
): readonly ReconcileAction[] {
  const { id, revision } = want;
  if (session === undefined) {
    if (ended !== undefined && wasObeyed(ended)) return [{ type: 'hangup', id, because: 'will' }];
    // Before its first command there is nothing to have been lost.
    return revision > 0 ? [{ type: 'rebuild', id }] : [];
  }
  if (session.state === 'closed') return [{ type: 'hangup', id, because: 'person' }];
  const agreed = want.inFlight || (session.revision === revision && !want.leftOver);
  return [
    agreed ? { type: 'adopt', session } : { type: 'renegotiate', id, session },
    ...(session.muted === want.muted
      ? []
      : [{ type: 'mute', id, muted: want.muted } satisfies ReconcileAction]),
    ...(session.conference === want.conference
      ? []
      : [{ type: 'conference', id, conference: want.conference } satisfies ReconcileAction]),
  ];
}

/**
 * The far end has agreed that the call is over. Any other end of a will (refused because it was out of
 * date, unanswered, never sent) leaves the call to be tried: if it is gone, the peer will say so.
 */
function wasObeyed({ will }: EndedSession): boolean {
  return will?.outcome === 'answered' && /^SIP\/2\.0 2\d\d /.test(will.answer ?? '');
}
