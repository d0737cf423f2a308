import { OffhookError, type EventSource } from '@offhook/common';
import type { Body } from '../../api.ts';
import type { CallEnd, CallSnapshot, CallState, CallWill, SipCallEvents } from '../../call-api.ts';
import type {
  Referral,
  ReferOptions,
  ReplacesHeader,
  RequestHandler,
  RequestOptions,
  SipAnswer,
} from '../../request-api.ts';
import type { CallProfile } from '../session/profile.ts';
import type { Session } from '../session/session.ts';
import { CallRecord, type Party } from './call-record.ts';
import { CallRequests } from './call-requests.ts';
import { snapshotOf } from './snapshot.ts';
import { lastWill } from './last-will.ts';

/** What every kind of call shows in the same way. */
export abstract class CallBase {
  protected readonly record: CallRecord;
  protected readonly requests: CallRequests;
  readonly #profile: CallProfile;

  constructor(profile: CallProfile, id: string) {
    this.#profile = profile;
    this.record = new CallRecord(id, (error) =>
      profile.logger.error({ error }, 'a listener of a call failed'),
    );
    this.requests = new CallRequests(profile, this.record, () => this.session);
  }

  abstract readonly direction: 'outgoing' | 'incoming';
  abstract get remote(): Party;

  /** The dialog in force, for a journal. */
  abstract get session(): Session | undefined;

  /** What another process needs to go on with the call. */
  abstract snapshot(): CallSnapshot | undefined;

  /** The dialog of a call that is up. Throws an OffhookError `no-dialog`. */
  protected living(): Session {
    const { session } = this;
    if (session !== undefined && !session.ended) return session;
    throw new OffhookError('signaling', 'no-dialog', 'the call is not established');
  }

  /** The snapshot is another one now. */
  protected changed(): void {
    this.#profile.core.keeper.touch(this);
  }

  /** The snapshot of a call that has its dialog. */
  protected inDialog(session: Session): CallSnapshot | undefined {
    const content = { dialog: session.dialog, session: session.snapshot() };
    const { direction, id, account, remote } = this;
    const call = { direction, id, account, remote };
    if (!session.ended) return snapshotOf(call, 'established', content);
    return session.leaving ? snapshotOf(call, 'ending', content) : undefined;
  }

  get id(): string {
    return this.record.id;
  }

  get account(): string {
    return this.#profile.aor;
  }

  get state(): CallState {
    return this.record.state;
  }

  get end(): CallEnd | undefined {
    return this.record.end;
  }

  on<K extends keyof SipCallEvents>(
    name: K,
    listener: (event: SipCallEvents[K]) => void,
  ): ReturnType<EventSource<SipCallEvents>['on']> {
    return this.record.on(name, listener);
  }

  request(method: string, options?: RequestOptions): Promise<SipAnswer> {
    return this.requests.request(method, options);
  }

  onRequest(method: string, handler: RequestHandler): () => void {
    return this.requests.on(method, handler);
  }

  async will(): Promise<CallWill | undefined> {
    const { session } = this;
    if (session === undefined || session.ended || this.state !== 'established') return undefined;
    return lastWill(this.#profile, session);
  }

  refer(to: string, options?: ReferOptions): Referral {
    return this.requests.refer(to, options);
  }

  get replaceable(): ReplacesHeader | undefined {
    return this.requests.replaceable;
  }

  get body(): Body | undefined {
    return this.requests.body;
  }
}
