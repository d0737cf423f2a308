/**
 * Who may offer when (RFC 3264 §4, RFC 3311 §5, RFC 6337 §2.3), for one dialog, as a pure machine.
 * An offer is open from the moment it is sent or seen until its answer has been, or it is refused.
 */
export interface OfferAnswer {
  /** Whose offer waits for an answer. */
  readonly open: 'none' | 'ours' | 'theirs';
  /** An INVITE transaction of that side is under way in the dialog. */
  readonly ourInvite: boolean;
  readonly theirInvite: boolean;
}

export const quiet: OfferAnswer = { open: 'none', ourInvite: false, theirInvite: false };

export type Admission =
  | { readonly admit: true }
  | { readonly admit: false; readonly status: 491 | 500 };

/** What an incoming INVITE or UPDATE in the dialog meets (RFC 3261 §14.2, RFC 3311 §5.2). */
export function admit(at: OfferAnswer, method: 'INVITE' | 'UPDATE', hasOffer: boolean): Admission {
  if (method === 'INVITE') {
    if (at.theirInvite || at.open === 'theirs') return { admit: false, status: 500 };
    if (at.ourInvite || at.open === 'ours') return { admit: false, status: 491 };
    return { admit: true };
  }
  if (!hasOffer) return { admit: true };
  if (at.open === 'ours') return { admit: false, status: 491 };
  if (at.open === 'theirs') return { admit: false, status: 500 };
  return { admit: true };
}

/** Whether we may start an INVITE or an UPDATE with an offer now. */
export function mayOffer(at: OfferAnswer): boolean {
  return at.open === 'none' && !at.ourInvite && !at.theirInvite;
}

/**
 * Milliseconds to wait after a 491 (RFC 3261 §14.1): the side that made the Call-ID waits 2.1 to 4
 * seconds, the other up to 2, in steps of 10 ms, so that they do not collide again.
 */
export function glareDelay(madeCallId: boolean, random: number): number {
  const steps = madeCallId ? 210 + Math.floor(random * 191) : Math.floor(random * 201);
  return steps * 10;
}
