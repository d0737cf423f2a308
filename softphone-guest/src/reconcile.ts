import type { SessionState } from '@offhook/media-rpc';

/** A media session as this end wants it. */
export interface DesiredSession {
  readonly id: string;
  /** Of the last command that this end knows to have been carried out; 0 before `session.open`. */
  readonly revision: number;
  /** A command is on its way, and will be repeated by whoever waits for it. */
  readonly inFlight: boolean;
  /** The engine may still have a description that came to nothing with the peer. */
  readonly leftOver: boolean;
  readonly muted: boolean;
}

export type ReconcileAction =
  /** Same session, same revision: the audio never stopped. */
  | { readonly type: 'adopt'; readonly session: SessionState }
  /** Engine and guest disagree: take the engine's revision, then offer anew. */
  | { readonly type: 'renegotiate'; readonly id: string; readonly session: SessionState }
  /** The engine has lost it: open it again and move the audio by re-INVITE. */
  | { readonly type: 'rebuild'; readonly id: string }
  /** The person at the thin client hung up while this end was away. */
  | { readonly type: 'hangup'; readonly id: string }
  | { readonly type: 'mute'; readonly id: string; readonly muted: boolean }
  /** Nobody here knows it: of a guest daemon that is no more. */
  | { readonly type: 'close'; readonly id: string };

/** What to do when an engine is there (again): pure, over what should be and what is. */
export function reconcile(
  desired: readonly DesiredSession[],
  snapshot: readonly SessionState[],
): readonly ReconcileAction[] {
  const have = new Map(snapshot.map((one) => [one.id, one]));
  const actions: ReconcileAction[] = [];
  for (const want of desired) {
    const session = have.get(want.id);
    have.delete(want.id);
    if (session === undefined) {
      // Before its first command there is nothing to have been lost.
      if (want.revision > 0) actions.push({ type: 'rebuild', id: want.id });
      continue;
    }
    if (session.state === 'closed') {
      actions.push({ type: 'hangup', id: want.id });
      continue;
    }
    actions.push(
      want.inFlight || (session.revision === want.revision && !want.leftOver)
        ? { type: 'adopt', session }
        : { type: 'renegotiate', id: want.id, session },
    );
    if (session.muted !== want.muted) {
      actions.push({ type: 'mute', id: want.id, muted: want.muted });
    }
  }
  for (const id of have.keys()) actions.push({ type: 'close', id });
  return actions;
}
