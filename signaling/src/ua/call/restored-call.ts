import { OffhookError } from '@offhook/common';
import type {
  Body,
  CallSnapshot,
  SdpAgent,
  SipCall,
} from '../../api.ts';
import type { SipRequest } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import { Session } from '../session/session.ts';
import { CallBase } from './call-base.ts';
import type { Party } from './call-record.ts';
import { readSnapshot, snapshotOf } from './snapshot.ts';

export interface RestoredCallOptions {
  readonly profile: CallProfile;
  readonly snapshot: CallSnapshot;
  readonly agent: SdpAgent;
  readonly onMessage: (request: SipRequest) => void;
}

/** A call that an earlier process has established: the same dialog, the next CSeq. */
export class RestoredCall extends CallBase implements SipCall {
  readonly direction: SipCall['direction'];
  readonly callId: string;
  readonly remote: Party;
  readonly #session: Session;
  #hangingUp: Promise<void> | undefined;

  /** Throws an OffhookError `bad-snapshot` for what is none. */
  constructor({ profile, snapshot, agent, onMessage }: RestoredCallOptions) {
    const { dialog, session } = readSnapshot(snapshot);
    super(profile, snapshot.id);
    this.direction = snapshot.direction;
    this.callId = dialog.callId;
    this.remote = snapshot.remote;
    const steps = new SdpSteps(agent);
    this.#session = new Session(profile, dialog, steps, {
      ended: (end) => {
        steps.end();
        this.record.finish(end);
      },
      info: (body) => this.record.emit('info', body),
      message: onMessage,
      prack: (request) => request.reply(481),
      serve: (inbound, otherwise) => this.requests.serve(this.#session, inbound, otherwise),
      changed: () => this.record.emit('changed', undefined),
    });
    this.#session.resume(session);
    this.record.enter('established');
  }

  get session(): Session {
    return this.#session;
  }

  snapshot(): CallSnapshot | undefined {
    return snapshotOf(this, this.#session);
  }

  hangup(options: { reason?: string } = {}): Promise<void> {
    const end = { by: 'local', status: 200, reason: options.reason ?? 'call ended' } as const;
    this.#hangingUp ??= this.#session.bye(end);
    return this.#hangingUp;
  }

  async renegotiate(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#needSession();
    await this.#session.offering.renegotiate(options.signal);
  }

  async info(body: Body): Promise<void> {
    this.#needSession();
    await this.#session.info(body);
  }

  abandon(): void {
    this.#session.drop();
    this.#session.steps.end();
  }

  #needSession(): void {
    if (!this.#session.ended) return;
    throw new OffhookError('signaling', 'no-dialog', 'the call is not established');
  }
}
