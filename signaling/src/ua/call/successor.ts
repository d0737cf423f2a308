import { describeError } from '@offhook/common';
import type { SdpAgent } from '../../api.ts';
import type { ReplacesHeader } from '../../request-api.ts';
import type { SipRequest } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import type { CallProfile } from '../session/profile.ts';
import type { Session } from '../session/session.ts';
import type { CallRecord } from './call-record.ts';
import { OutgoingCall } from './outgoing-call.ts';

export interface SuccessorParts {
  readonly profile: CallProfile;
  readonly agent: SdpAgent;
  readonly onMessage: (request: SipRequest) => void;
  readonly routes: () => readonly string[];
  /** The dialog that nobody answers in. */
  readonly session: Session;
  readonly record: CallRecord;
  readonly replaces: () => ReplacesHeader | undefined;
  readonly changed: () => void;
}

/**
 * The second choice for a call of an earlier process (RFC 3891): where nothing answers at the peer's
 * Contact, because that was a connection or a mapping of that process, the peer's address of record
 * is called with Replaces, and the call goes on in that dialog.
 */
export class Successor {
  readonly #parts: SuccessorParts;
  #call: OutgoingCall | undefined;
  #established = false;

  constructor(parts: SuccessorParts) {
    this.#parts = parts;
  }

  /** The dialog that has taken over. */
  get session(): Session | undefined {
    return this.#established ? this.#call?.session : undefined;
  }

  tryOnce(): void {
    const { profile, session, record, routes, changed } = this.#parts;
    const replaces = this.#parts.replaces();
    const target = parseNameAddr(session.dialog.remoteParty)?.uri;
    if (this.#call !== undefined || replaces === undefined || target === undefined) return;
    profile.logger.info({ call: record.id }, 'the peer cannot be reached: it is called anew');
    const { agent, onMessage } = this.#parts;
    // One offer at a time: the old dialog waits for what becomes of this one.
    session.offering.end();
    const call = new OutgoingCall({
      profile,
      target,
      agent,
      onMessage,
      replaces,
      routes: routes(),
      onChange: changed,
    });
    this.#call = call;
    call.on('established', () => {
      this.#established = true;
      session.drop();
      changed();
    });
    call.on('info', (body) => record.emit('info', body));
    call.on('refer', (referral) => record.emit('refer', referral));
    call.on('ended', (end) => {
      if (this.#established) {
        record.finish(end);
        changed();
      } else this.#failed();
    });
    call.start();
  }

  /** Of the dialog that has taken over; undefined if there is none. */
  hangup(): Promise<void> | undefined {
    if (this.#call === undefined || this.#call.end !== undefined) return undefined;
    const over = this.#call.hangup();
    return this.#established ? over : undefined;
  }

  abandon(): void {
    this.#call?.abandon();
  }

  #failed(): void {
    const { agent, profile, session } = this.#parts;
    agent.rollback().catch((error: unknown) => {
      profile.logger.debug({ reason: describeError(error) }, 'taking the offer back failed');
    });
    if (!session.ended) void session.offering.refresh();
  }
}
