import {
  cseqOf,
  dialogFromResponse,
  type DialogState,
  type RequestDraft,
} from '../dialog/dialog-state.ts';
import { sdpOf, type SipResponse } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import type { SdpSteps } from '../session/sdp-steps.ts';
import { Session, type SessionOwner } from '../session/session.ts';
import { reliableSequence } from './reliable.ts';
import { hasKeys, type InvitingContent } from './snapshot.ts';

export interface EarlyDialogsOptions {
  readonly profile: CallProfile;
  readonly steps: SdpSteps;
  readonly lateOffer: boolean;
  /** The owner of a dialog; gets a way to the session that it will own. */
  readonly owner: (session: () => Session | undefined) => SessionOwner;
  readonly earlyMedia: () => void;
  readonly refused: (error: unknown) => void;
}

/** What offer and answer an early dialog has seen. */
export interface EarlyExchange {
  readonly local: string;
  readonly remote: string;
  /** It came in a reliable response: it stands (RFC 3262 §5). */
  readonly reliable: boolean;
}

interface Early {
  readonly session: Session;
  /** RSeq of the last reliable response taken. */
  rseq: number | undefined;
  exchange: EarlyExchange | undefined;
  /** Our PRACK to `rseq` may not have left an earlier process. */
  doubtful?: boolean;
}

/** More forks than that are not followed. */
const MAX_FORKS = 32;

/** The early dialogs of one INVITE, one for each fork that answers (RFC 3261 §12.1.2). */
export class EarlyDialogs {
  readonly #options: EarlyDialogsOptions;
  readonly #dialogs = new Map<string, Early>();
  /** Whose answer the application took last. */
  #last: Session | undefined;

  constructor(options: EarlyDialogsOptions) {
    this.#options = options;
  }

  exchanged(session: Session): EarlyExchange | undefined {
    return [...this.#dialogs.values()].find((early) => early.session === session)?.exchange;
  }

  /**
   * Whether offer and answer of this dialog stand and are what the application has: nothing of the
   * INVITE's 2xx adds to them, and an UPDATE may have changed them since.
   */
  stands(session: Session): boolean {
    return this.exchanged(session)?.reliable === true && this.#last === session;
  }

  /** A provisional response other than 100. */
  provisional(response: SipResponse, draft: RequestDraft, offer: string | undefined): void {
    if (response.toTag === undefined) return;
    const early = this.#find(response, draft);
    if (early === undefined) return;
    early.session.learn(response.headers);
    const rseq = reliableSequence(response.headers);
    if (rseq !== undefined) {
      // RFC 3262 §4: one gap and it is as if the response had never come; the peer repeats it.
      if (early.doubtful === true && rseq === early.rseq) {
        early.doubtful = false;
        const { local, reliable } = early.exchange ?? {};
        const answer = offer === undefined && reliable === true ? local : undefined;
        this.#prack(early.session, rseq, cseqOf(draft.headers), answer);
        return;
      }
      if (early.rseq !== undefined && rseq !== early.rseq + 1) return;
      early.rseq = rseq;
      early.session.moved(response.headers);
    }
    this.#describe(early, response, draft, offer, rseq).catch((error: unknown) =>
      this.#options.refused(error),
    );
  }

  async #describe(
    early: Early,
    response: SipResponse,
    draft: RequestDraft,
    offer: string | undefined,
    rseq: number | undefined,
  ): Promise<void> {
    const sdp = sdpOf(response);
    const prack = (body?: string): void => {
      if (rseq !== undefined) this.#prack(early.session, rseq, cseqOf(draft.headers), body);
    };
    const reliable = rseq !== undefined;
    if (sdp === undefined || early.exchange?.reliable === true) {
      prack();
      return;
    }
    if (offer !== undefined) {
      prack();
      const again = early.exchange?.remote === sdp;
      early.exchange = { local: offer, remote: sdp, reliable };
      this.#last = early.session;
      if (reliable) {
        early.session.negotiation.settle({ local: offer, remote: sdp, offeredByPeer: false });
        early.session.negotiation.mark({ open: 'none' });
      }
      // What came unreliably before is only now the answer.
      if (!again || reliable) await this.#options.steps.acceptAnswer(sdp, !reliable);
      this.#options.earlyMedia();
    } else if (reliable) {
      // The offer of the peer: our answer goes into the PRACK.
      const answer = await this.#options.steps.createAnswer(sdp);
      early.exchange = { local: answer, remote: sdp, reliable };
      this.#last = early.session;
      early.session.negotiation.settle({ local: answer, remote: sdp, offeredByPeer: true });
      early.session.negotiation.mark({ open: 'none' });
      prack(answer);
      this.#options.earlyMedia();
    }
  }

  #prack(session: Session, rseq: number, cseq: number, sdp: string | undefined): void {
    if (session.ended) return;
    session.send(
      {
        method: 'PRACK',
        headers: [['rack', `${rseq} ${cseq} INVITE`]],
        ...(sdp !== undefined && { body: { type: 'application/sdp', content: sdp } }),
      },
      { final: () => undefined, failed: () => undefined },
    );
  }

  /** The session of a 2xx: the early dialog it confirms, or a new one. It is ours no more. */
  take(response: SipResponse, draft: RequestDraft): Session {
    const tag = response.toTag ?? '';
    return (this.#dialogs.get(tag) ?? this.#open(response, draft)).session;
  }

  snapshot(): InvitingContent['early'] {
    return [...this.#dialogs.values()].map(({ session, rseq, exchange }) => {
      const open = exchange !== undefined && !hasKeys(exchange.local) && !hasKeys(exchange.remote);
      return {
        dialog: session.dialog,
        session: session.snapshot(),
        ...(rseq !== undefined && { rseq }),
        ...(open && { exchange }),
      };
    });
  }

  /** Goes on where a snapshot stopped. */
  resume(saved: InvitingContent['early']): void {
    for (const { dialog, session: state, rseq, exchange } of saved) {
      const session = this.#session(dialog);
      session.resume(state);
      const early: Early = { session, rseq, exchange, doubtful: true };
      this.#dialogs.set(dialog.remoteTag, early);
      if (exchange !== undefined) this.#last = session;
    }
  }

  dropAll(except?: Session): void {
    for (const [tag, { session }] of this.#dialogs) {
      if (session === except) continue;
      session.drop();
      this.#dialogs.delete(tag);
    }
  }

  #find(response: SipResponse, draft: RequestDraft): Early | undefined {
    const known = this.#dialogs.get(response.toTag ?? '');
    if (known !== undefined || this.#dialogs.size >= MAX_FORKS) return known;
    return this.#open(response, draft);
  }

  #open(response: SipResponse, draft: RequestDraft): Early {
    const request = { headers: draft.headers, uri: draft.uri, cseq: cseqOf(draft.headers) };
    const session = this.#session(dialogFromResponse(request, response));
    const early: Early = { session, rseq: undefined, exchange: undefined };
    this.#dialogs.set(response.toTag ?? '', early);
    return early;
  }

  #session(dialog: DialogState): Session {
    const { profile, steps, owner, lateOffer } = this.#options;
    const session: Session = new Session(
      profile,
      dialog,
      steps,
      owner(() => session),
    );
    session.negotiation.mark({ ourInvite: true, open: lateOffer ? 'none' : 'ours' });
    return session;
  }
}
