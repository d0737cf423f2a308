import { Emitter, OffhookError } from '@offhook/common';
import type {
  Account,
  AccountEvents,
  AccountOptions,
  Body,
  CallJournal,
  CallSnapshot,
  CallEnd,
  CallState,
  CallWill,
  IncomingCall,
  InviteOptions,
  PingAnswer,
  Publication,
  PublicationState,
  Referral,
  ReferOptions,
  ReferralState,
  RegistrationState,
  RequestHandler,
  RequestOptions,
  SdpAgent,
  ServedAnswer,
  SipAnswer,
  SipCall,
  SipCallEvents,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
  SubscriptionState,
  UserAgent,
  UserAgentOptions,
} from '@offhook/signaling';

const OFFER = 'v=0\r\no=peer 1 1 IN IP4 192.0.2.9\r\n';

/** signaling's call as far as a test plays the far end by hand. */
export class FakeSipCall extends Emitter<SipCallEvents> implements SipCall {
  readonly id: string;
  readonly callId: string;
  readonly account: string;
  readonly remote: { readonly uri: string; readonly displayName?: string };
  state: CallState = 'trying';
  end: CallEnd | undefined;
  agent: SdpAgent | undefined;
  /** What was asked of signaling, in order. */
  readonly log: string[] = [];
  readonly infos: Body[] = [];
  infoRefusal = false;
  /** Of our INVITE. */
  options: InviteOptions | undefined;
  /** How the next re-INVITEs come out; accepted when empty. */
  readonly refusals: Error[] = [];
  /** While set, a re-INVITE waits for it. */
  gate: Promise<void> | undefined;
  offers: string[] = [];
  readonly #direction: 'outgoing' | 'incoming';
  readonly #signal = new AbortController().signal;

  constructor(options: {
    direction: 'outgoing' | 'incoming';
    account: string;
    remote: string;
    id: string;
    displayName?: string;
  }) {
    super((error) => {
      throw error;
    });
    this.#direction = options.direction;
    this.id = options.id;
    this.callId = `${options.id}@test`;
    this.account = options.account;
    this.remote =
      options.displayName === undefined
        ? { uri: options.remote }
        : { uri: options.remote, displayName: options.displayName };
  }

  get direction(): 'outgoing' | 'incoming' {
    return this.#direction;
  }

  get usedAgent(): SdpAgent {
    if (this.agent === undefined) throw new Error('no agent');
    return this.agent;
  }

  /** The INVITE as signaling makes it: the offer first. */
  async sendInvite(): Promise<void> {
    try {
      this.offers.push(await this.usedAgent.createOffer(this.#signal));
    } catch {
      this.endWith({ by: 'local', status: 500, reason: 'no offer' });
    }
  }

  ringing(): void {
    this.state = 'ringing';
    this.emit('state', 'ringing');
  }

  async early(): Promise<void> {
    await this.usedAgent.acceptAnswer(OFFER, { provisional: true }, this.#signal);
    this.state = 'early';
    this.emit('state', 'early');
  }

  /** 200 with the answer, or ACK to our 200. */
  async establish(): Promise<void> {
    if (this.#direction === 'outgoing') {
      await this.usedAgent.acceptAnswer(OFFER, { provisional: false }, this.#signal);
    }
    this.state = 'established';
    this.emit('state', 'established');
    this.emit('established', { remoteIdentity: this.remote.uri });
  }

  endWith(end: CallEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.state = 'ended';
    this.emit('state', 'ended');
    this.journal?.commit([{ id: this.id, snapshot: undefined }]);
    this.emit('ended', end);
  }

  async hangup(): Promise<void> {
    this.log.push('hangup');
    await Promise.resolve();
    this.endWith({ by: 'local', status: 200, reason: 'hung up' });
  }

  async renegotiate(): Promise<void> {
    this.log.push('renegotiate');
    this.offers.push(await this.usedAgent.createOffer(this.#signal));
    await this.gate;
    const refusal = this.refusals.shift();
    if (refusal !== undefined) {
      await this.usedAgent.rollback();
      throw refusal;
    }
    try {
      await this.usedAgent.acceptAnswer(OFFER, { provisional: false }, this.#signal);
    } catch (error) {
      await this.usedAgent.rollback();
      throw error;
    }
  }

  info(body: Body): Promise<void> {
    if (this.infoRefusal) {
      return Promise.reject(new OffhookError('signaling', 'refused', 'INFO refused'));
    }
    this.infos.push(body);
    return Promise.resolve();
  }

  /** Header fields of the INVITE, by lower-case name. */
  readonly headers = new Map<string, string>();
  readonly sent: { readonly method: string; readonly options: RequestOptions }[] = [];
  readonly referrals: FakeReferral[] = [];
  replaces: SipCall | undefined;
  readonly replaceable = { callId: 'call', toTag: 'theirs', fromTag: 'ours' };
  readonly body = undefined;

  request(method: string, options: RequestOptions = {}): Promise<SipAnswer> {
    this.sent.push({ method, options });
    return Promise.resolve({ status: 200, reason: 'OK', headers: () => [], body: undefined });
  }

  onRequest(): () => void {
    return () => undefined;
  }

  refer(to: string, options: ReferOptions = {}): FakeReferral {
    this.log.push(`refer ${to}`);
    const referral = new FakeReferral(to, options);
    this.referrals.push(referral);
    return referral;
  }

  header(name: string): string | undefined {
    return this.headers.get(name.toLowerCase());
  }

  progress(): Promise<void> {
    return Promise.resolve();
  }

  async answer(): Promise<void> {
    this.log.push('answer');
    try {
      this.offers.push(await this.usedAgent.createAnswer(OFFER, this.#signal));
    } catch (error) {
      this.endWith({ by: 'local', status: 488, reason: 'not acceptable here' });
      throw error;
    }
  }

  rejectReason: string | undefined;

  async reject(
    options: { status?: number; reason?: string; contacts?: readonly string[] } = {},
  ): Promise<void> {
    this.rejectReason = options.reason;
    const status = options.status ?? 486;
    this.log.push(['reject', status, ...(options.contacts ?? [])].join(' '));
    await Promise.resolve();
    this.endWith({ by: 'local', status, reason: 'rejected' });
  }

  useAgent(agent: SdpAgent): void {
    this.agent = agent;
  }

  /** Where signaling would write it down. */
  journal: CallJournal | undefined;
  #written: Pick<CallSnapshot, 'state' | 'account'> | undefined;

  snapshot(): CallSnapshot | undefined {
    if (this.#written === undefined) return undefined;
    const { id, direction, remote } = this;
    return { version: 2, id, direction, remote, ...this.#written, content: {} };
  }

  /** As signaling has the call written down before a message leaves. */
  write(state: CallSnapshot['state'], account = this.account): void {
    this.#written = { state, account };
    this.journal?.commit([{ id: this.id, snapshot: this.snapshot() }]);
  }

  /** What `will` gives. */
  testament: CallWill | undefined;

  will(): Promise<CallWill | undefined> {
    return Promise.resolve(this.state === 'established' ? this.testament : undefined);
  }
}

/** A REFER of ours whose reports a test makes. */
export class FakeReferral extends Emitter<{ state: ReferralState }> implements Referral {
  readonly to: string;
  readonly options: ReferOptions;
  state: ReferralState = { state: 'asked' };
  readonly #over = Promise.withResolvers<ReferralState>();
  readonly done = this.#over.promise;

  constructor(to: string, options: ReferOptions) {
    super((error) => {
      throw error;
    });
    this.to = to;
    this.options = options;
  }

  tell(state: ReferralState): void {
    this.state = state;
    this.emit('state', state);
    const going = ['asked', 'accepted', 'progress'];
    if (!going.includes(state.state)) this.#over.resolve(state);
  }
}

/** A subscription of ours whose notifier is the test. */
export class FakeSubscription extends Emitter<SubscriptionEvents> implements Subscription {
  readonly target: string;
  readonly options: SubscribeOptions;
  state: SubscriptionState = { state: 'subscribing' };
  refreshed = 0;
  closed = false;

  constructor(target: string, options: SubscribeOptions) {
    super((error) => {
      throw error;
    });
    this.target = target;
    this.options = options;
  }

  tell(state: SubscriptionState): void {
    this.state = state;
    this.emit('state', state);
  }

  notify(type: string, content: string): void {
    this.tell({ state: 'active', expiresAt: 0 });
    this.emit('notify', { body: { type, content }, headers: () => [] });
  }

  refresh(): void {
    this.refreshed += 1;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

export class FakePublication extends Emitter<{ state: PublicationState }> implements Publication {
  readonly event: string;
  readonly bodies: Body[];
  state: PublicationState = { state: 'published', expiresAt: 0 };
  closed = false;

  constructor(event: string, body: Body) {
    super((error) => {
      throw error;
    });
    this.event = event;
    this.bodies = [body];
  }

  update(body: Body): void {
    this.bodies.push(body);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

export class FakeAccount extends Emitter<AccountEvents> implements Account {
  readonly aor: string;
  registration: RegistrationState = { state: 'unregistered' };
  readonly placed: FakeSipCall[] = [];
  optionsAnswer: PingAnswer | Error = {
    status: 200,
    reason: 'OK',
    rttMs: 3,
  };
  closed = false;
  #count = 0;

  constructor(aor: string) {
    super((error) => {
      throw error;
    });
    this.aor = aor;
  }

  /** Why the registrar has taken the binding back, as far as it was told. */
  readonly removed: { readonly reason: string; readonly retryAfter?: number | undefined }[] = [];

  isOwnBinding(contact: string): boolean {
    return contact.includes('own');
  }

  bindingRemoved(why: { readonly reason: string; readonly retryAfter?: number | undefined }): void {
    this.removed.push(why);
  }

  setRegistration(state: RegistrationState): void {
    this.registration = state;
    this.emit('registration', state);
  }

  register(): Promise<void> {
    this.setRegistration({ state: 'registered', expiresAt: 60_000, registrar: 'sip:example.com' });
    return Promise.resolve();
  }

  unregister(): Promise<void> {
    this.setRegistration({ state: 'unregistered' });
    return Promise.resolve();
  }

  invite(target: string, agent: SdpAgent, options?: InviteOptions): SipCall {
    const call = new FakeSipCall({
      direction: 'outgoing',
      account: this.aor,
      remote: target,
      id: `sip-${++this.#count}`,
    });
    call.agent = agent;
    call.journal = this.journal;
    call.options = options;
    this.placed.push(call);
    void call.sendInvite();
    return call;
  }

  journal: CallJournal | undefined;

  restore({ id, direction, account, remote, state }: CallSnapshot, agent: SdpAgent): SipCall {
    const call = new FakeSipCall({ direction, account, remote: remote.uri, id });
    call.agent = agent;
    call.journal = this.journal;
    if (state === 'established') call.state = 'established';
    call.write(state);
    this.placed.push(call);
    return call;
  }

  /** A call comes in. */
  ring(
    remote = 'sip:bob@example.com',
    displayName?: string,
    headers: Readonly<Record<string, string>> = {},
    replaces?: SipCall,
  ): FakeSipCall {
    const call = new FakeSipCall({
      direction: 'incoming',
      account: this.aor,
      remote,
      id: `sip-${++this.#count}`,
      ...(displayName === undefined ? {} : { displayName }),
    });
    for (const [name, value] of Object.entries(headers)) call.headers.set(name, value);
    call.replaces = replaces;
    this.emit('incoming', call as FakeSipCall & IncomingCall);
    return call;
  }

  readonly sent: {
    readonly method: string;
    readonly target: string;
    readonly options: RequestOptions;
  }[] = [];

  request(method: string, target: string, options: RequestOptions = {}): Promise<SipAnswer> {
    this.sent.push({ method, target, options });
    const { status, reason } = this.nextAnswer;
    return Promise.resolve({ status, reason, headers: () => [], body: undefined });
  }

  /** What the next requests by hand get. */
  nextAnswer = { status: 200, reason: 'OK' };
  readonly #handlers = new Map<string, RequestHandler>();

  onRequest(method: string, handler: RequestHandler): () => void {
    this.#handlers.set(method, handler);
    return () => undefined;
  }

  /** A request of the far end, as the application serves it. */
  async serve(
    method: string,
    request: { readonly headers: Readonly<Record<string, string>>; readonly body?: Body },
  ): Promise<ServedAnswer | undefined> {
    return this.#handlers.get(method)?.({
      method,
      uri: this.aor,
      from: { uri: 'sip:pbx@example.com' },
      to: { uri: this.aor },
      headers: (name) => [request.headers[name.toLowerCase()] ?? []].flat(),
      body: request.body,
      source: { transport: 'udp', address: '192.0.2.9', port: 5060 },
    });
  }

  readonly subscriptions: FakeSubscription[] = [];
  readonly publications: FakePublication[] = [];

  subscribe(target: string, options: SubscribeOptions): FakeSubscription {
    const subscription = new FakeSubscription(target, options);
    this.subscriptions.push(subscription);
    return subscription;
  }

  publish(event: string, body: Body): FakePublication {
    const publication = new FakePublication(event, body);
    this.publications.push(publication);
    return publication;
  }

  refer(_target: string, to: string, options: ReferOptions = {}): FakeReferral {
    return new FakeReferral(to, options);
  }

  options(): Promise<PingAnswer> {
    return this.optionsAnswer instanceof Error
      ? Promise.reject(this.optionsAnswer)
      : Promise.resolve(this.optionsAnswer);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

export class FakeUserAgent implements UserAgent {
  readonly listening: UserAgent['listening'];
  readonly accounts: FakeAccount[] = [];
  readonly accountOptions: AccountOptions[] = [];
  /** What the phone does with a message that crosses the wire. */
  readonly trace: UserAgentOptions['trace'];
  closed = false;

  readonly #journal: CallJournal | undefined;

  constructor(options: UserAgentOptions) {
    this.#journal = options.journal;
    this.trace = options.trace;
    this.listening = options.listen;
  }

  addAccount(options: AccountOptions): FakeAccount {
    const account = new FakeAccount(options.aor);
    account.journal = this.#journal;
    this.accounts.push(account);
    this.accountOptions.push(options);
    if (options.register) void account.register();
    return account;
  }

  /** How long nobody was here, as it was told; null as long as nothing was told. */
  awayMs: number | undefined | null = null;

  restored(options: { awayMs?: number | undefined } = {}): void {
    this.awayMs = options.awayMs;
  }

  refresh(): void {
    for (const account of this.accounts) void account.register();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
