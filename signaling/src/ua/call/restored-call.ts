import type { Body, SdpAgent } from '../../api.ts';
import type { CallSnapshot, SipCall } from '../../call-api.ts';
import type { SipRequest } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import { Session } from '../session/session.ts';
import { CallBase } from './call-base.ts';
import type { Party } from './call-record.ts';
import type { DialogContent } from './snapshot.ts';
import { Successor } from './successor.ts';

export interface RestoredCallOptions {
  readonly profile: CallProfile;
  readonly snapshot: Pick<CallSnapshot, 'id' | 'direction' | 'remote'>;
  readonly content: DialogContent;
  /** A BYE of the earlier process has no answer. */
  readonly ending: boolean;
  /** Whether the peer has our 2xx, or still has the dialog, is to be found out. */
  readonly doubtful: boolean;
  readonly agent: SdpAgent;
  readonly onMessage: (request: SipRequest) => void;
  /** Route values in front of an INVITE of the account. */
  readonly routes: () => readonly string[];
}

/** A call that an earlier process has established: the same dialog, the next CSeq. */
export class RestoredCall extends CallBase implements SipCall {
  readonly direction: SipCall['direction'];
  readonly remote: Party;
  readonly #options: RestoredCallOptions;
  readonly #session: Session;
  readonly #successor: Successor;
  #hangingUp: Promise<void> | undefined;

  constructor(options: RestoredCallOptions) {
    const { profile, snapshot, content, agent, onMessage } = options;
    const { dialog, session } = content;
    super(profile, snapshot.id);
    this.#options = options;
    this.direction = snapshot.direction;
    this.remote = snapshot.remote;
    const steps = new SdpSteps(agent);
    this.#session = new Session(profile, dialog, steps, {
      ended: (end) => {
        steps.end();
        this.record.finish(end);
        this.changed();
      },
      info: (body) => this.record.emit('info', body),
      message: onMessage,
      prack: (request) => request.reply(481),
      serve: (inbound, otherwise) => this.requests.serve(this.#session, inbound, otherwise),
      changed: () => this.changed(),
      unreachable: () => this.#successor.tryOnce(),
    });
    this.#successor = new Successor({
      ...options,
      session: this.#session,
      record: this.record,
      replaces: () => this.replaceable,
      changed: () => this.changed(),
    });
    this.#session.resume(session);
    this.record.enter('established');
  }

  goOn(mayHaveGivenUp: boolean): void {
    const { ending, doubtful } = this.#options;
    if (ending) void this.hangup();
    else void this.#session.reassure(mayHaveGivenUp || doubtful);
  }

  get session(): Session {
    return this.#successor.session ?? this.#session;
  }

  get callId(): string {
    return this.session.dialog.callId;
  }

  snapshot(): CallSnapshot | undefined {
    return this.inDialog(this.session);
  }

  hangup(options: { reason?: string } = {}): Promise<void> {
    const end = { by: 'local', status: 200, reason: options.reason ?? 'call ended' } as const;
    this.#hangingUp ??= this.#successor.hangup() ?? this.#session.bye(end);
    return this.#hangingUp;
  }

  async renegotiate(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.living().offering.renegotiate(options.signal);
  }

  async info(body: Body): Promise<void> {
    await this.living().info(body);
  }

  abandon(): void {
    this.#successor.abandon();
    this.#session.drop();
    this.#session.steps.end();
  }
}
