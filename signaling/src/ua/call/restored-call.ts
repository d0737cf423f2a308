import { OffhookError, type EventSource } from '@offhook/common';
import type {
  Body,
  CallEnd,
  CallSnapshot,
  CallState,
  SdpAgent,
  SipCall,
  SipCallEvents,
} from '../../api.ts';
import type {
  Referral,
  ReferOptions,
  ReplacesHeader,
  RequestHandler,
  RequestOptions,
  SipAnswer,
} from '../../request-api.ts';
import type { SipRequest } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import { Session } from '../session/session.ts';
import { CallRecord, type Party } from './call-record.ts';
import { CallRequests } from './call-requests.ts';
import { readSnapshot, snapshotOf } from './snapshot.ts';

export interface RestoredCallOptions {
  readonly profile: CallProfile;
  readonly snapshot: CallSnapshot;
  readonly agent: SdpAgent;
  readonly onMessage: (request: SipRequest) => void;
}

/** A call that an earlier process has established: the same dialog, the next CSeq. */
export class RestoredCall implements SipCall {
  readonly direction: SipCall['direction'];
  readonly callId: string;
  readonly remote: Party;
  readonly #profile: CallProfile;
  readonly #record: CallRecord;
  readonly #session: Session;
  readonly #requests: CallRequests;
  #hangingUp: Promise<void> | undefined;

  /** Throws an OffhookError `bad-snapshot` for what is none. */
  constructor({ profile, snapshot, agent, onMessage }: RestoredCallOptions) {
    const { dialog, session } = readSnapshot(snapshot);
    this.#profile = profile;
    this.direction = snapshot.direction;
    this.callId = dialog.callId;
    this.remote = snapshot.remote;
    this.#record = new CallRecord(snapshot.id, (error) =>
      profile.logger.error({ error }, 'a listener of a call failed'),
    );
    const steps = new SdpSteps(agent);
    this.#requests = new CallRequests(profile, this.#record, () => this.#session);
    this.#session = new Session(profile, dialog, steps, {
      ended: (end) => {
        steps.end();
        this.#record.finish(end);
      },
      info: (body) => this.#record.emit('info', body),
      message: onMessage,
      prack: (request) => request.reply(481),
      serve: (inbound, otherwise) => this.#requests.serve(this.#session, inbound, otherwise),
      changed: () => this.#record.emit('changed', undefined),
    });
    this.#session.resume(session);
    this.#record.enter('established');
  }

  get id(): string {
    return this.#record.id;
  }

  get account(): string {
    return this.#profile.aor;
  }

  get state(): CallState {
    return this.#record.state;
  }

  get end(): CallEnd | undefined {
    return this.#record.end;
  }

  get session(): Session {
    return this.#session;
  }

  on<K extends keyof SipCallEvents>(
    name: K,
    listener: (event: SipCallEvents[K]) => void,
  ): ReturnType<EventSource<SipCallEvents>['on']> {
    return this.#record.on(name, listener);
  }

  request(method: string, options?: RequestOptions): Promise<SipAnswer> {
    return this.#requests.request(method, options);
  }

  onRequest(method: string, handler: RequestHandler): () => void {
    return this.#requests.on(method, handler);
  }

  refer(to: string, options?: ReferOptions): Referral {
    return this.#requests.refer(to, options);
  }

  get replaceable(): ReplacesHeader | undefined {
    return this.#requests.replaceable;
  }

  get body(): Body | undefined {
    return this.#requests.body;
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
