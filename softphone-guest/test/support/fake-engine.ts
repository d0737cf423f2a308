import { Emitter, OffhookError } from '@offhook/common';
import {
  mediaError,
  methods,
  type LastWill,
  type MediaClient,
  type MediaClientEvents,
  type MediaEvents,
  type MethodInput,
  type MethodName,
  type MethodParams,
  type MethodResult,
  type SessionState,
  type ThinClientLocation,
} from '@offhook/media-rpc';

/** An engine in memory that survives its connections, for the guest's side of every break. */
export class FakeEngine {
  readonly instance: string;
  readonly sessions = new Map<string, SessionState>();
  /** Every command, e.g. `session.open abc 1 offer sendrecv`. */
  readonly log: string[] = [];
  readonly tones = new Set<string>();
  readonly wills = new Map<string, LastWill>();
  /** What was asked of volumes and voice processing. */
  readonly audio: unknown[] = [];
  /** What guests have said of being used here. */
  readonly used: boolean[] = [];
  worker: 'up' | 'restarting' | 'failed' = 'up';
  maxSessions = 128;
  location: ThinClientLocation | undefined;
  /** How long it says that the guest was away. */
  awayMs: number | undefined;
  /** Errors for the next call of a method. */
  readonly failures = new Map<MethodName, Error>();
  #clients = new Set<FakeClient>();
  #port: number;
  #recordings = 0;

  /** `port` is that of its first session. */
  constructor(instance = 'engine-1', port = 40_000) {
    this.instance = instance;
    this.#port = port;
  }

  connect(): FakeClient {
    const client = new FakeClient(this, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  /** Cuts every connection, as the end of a process or a network does. */
  cut(): void {
    for (const client of this.#clients) client.cut();
  }

  emit<E extends keyof MediaEvents>(event: E, params: MediaEvents[E]): void {
    for (const client of this.#clients) client.emit(event, params as never);
  }

  handle<M extends MethodName>(method: M, params: MethodParams<M>): MethodResult<M> {
    this.log.push(describe(method, params));
    const failure = this.failures.get(method);
    if (failure !== undefined) {
      this.failures.delete(method);
      throw failure;
    }
    return this.#result({ method, params } as Command) as MethodResult<M>;
  }

  #result(command: Command): MethodResult<MethodName> {
    switch (command.method) {
      case 'snapshot':
        return {
          engine: this.instance,
          sessions: [...this.sessions.values()],
          leaseMs: 1000,
          health: { worker: this.worker, message: '' },
          maxSessions: this.maxSessions,
          ...(this.location !== undefined && { location: this.location }),
          ...(this.awayMs !== undefined && { awayMs: this.awayMs }),
        };
      case 'lease.set':
        return { ms: command.params.ms };
      case 'session.open':
      case 'session.update':
        return this.#step(command);
      case 'session.close':
        this.sessions.delete(command.params.id);
        return {};
      case 'session.get':
        return this.#session(command.params.id);
      case 'session.mute': {
        const next = { ...this.#session(command.params.id), muted: command.params.muted };
        this.sessions.set(next.id, next);
        return next;
      }
      case 'session.conference': {
        const { conference: _, ...rest } = this.#session(command.params.id);
        const { conference } = command.params;
        const next = conference === null ? rest : { ...rest, conference };
        this.sessions.set(next.id, next);
        return next;
      }
      case 'session.record': {
        const { id, state } = command.params;
        const session = this.#session(id);
        const before = session.recording;
        const goesOn = before !== undefined && before.state !== 'stopped';
        const file = goesOn ? before.file : `call-${++this.#recordings}.wav`;
        const ended = state === 'stopped' ? { seconds: 2, reason: 'guest' as const } : {};
        const next = { ...session, recording: { state, file, startedAt: 0, ...ended } };
        this.sessions.set(id, next);
        return next;
      }
      case 'session.stats':
        return stats(this.#session(command.params.id).id);
      case 'tone.play':
        this.tones.add(`${command.params.id}:${command.params.kind}`);
        return {};
      case 'tone.stop':
        for (const tone of this.tones) {
          if (tone.startsWith(`${command.params.id}:`)) this.tones.delete(tone);
        }
        return {};
      case 'devices.list':
        return {
          devices: [{ id: 'null', name: 'nothing', roles: ['input', 'output'], present: true }],
          selected: { input: 'null', output: 'null', ringer: 'null' },
        };
      case 'session.claim':
        return this.#session(command.params.id);
      case 'will.set': {
        const { session, ...will } = command.params;
        this.wills.set(this.#session(session).id, will);
        return {};
      }
      case 'will.remove':
        this.wills.delete(command.params.session);
        return {};
      case 'guest.use':
        this.used.push(command.params.active);
        return {};
      case 'audio.volume':
      case 'audio.voice':
        this.audio.push(command.params);
        return {};
      case 'session.dtmf':
      case 'devices.select':
      case 'stats.subscribe':
        return {};
      default:
        return command satisfies never;
    }
  }

  #step(
    command: Extract<Command, { method: 'session.open' | 'session.update' }>,
  ): MethodResult<'session.open' | 'session.update'> {
    const { id, revision, step } = command.params;
    const before = command.method === 'session.update' ? this.#session(id) : this.sessions.get(id);
    if (before !== undefined && revision < before.revision) throw mediaError('stale-revision');
    const describes = step.type === 'offer' || step.type === 'answer';
    if (before?.state === 'offered' && describes && revision > before.revision) {
      throw mediaError('wrong-state');
    }
    const direction = step.type === 'offer' || step.type === 'answer' ? step.direction : undefined;
    const port = before?.local?.port ?? (this.#port += 2);
    const sdp =
      step.type === 'offer' || step.type === 'answer'
        ? `v=0\r\no=- ${step.origin.sessionId} ${step.origin.version} IN IP4 192.0.2.1\r\nm=audio ${port} RTP/AVP 8\r\na=${step.direction}\r\n`
        : undefined;
    const session: SessionState = {
      muted: false,
      locallyMuted: false,
      label: '',
      openedAt: 0,
      ...before,
      id,
      revision,
      state: step.type === 'offer' ? 'offered' : 'active',
      local: { address: '192.0.2.1', port },
      ...(direction === undefined ? {} : { direction }),
      ...(sdp === undefined ? {} : { localSdp: sdp }),
    };
    this.sessions.set(id, session);
    return { ...(sdp === undefined ? {} : { sdp }), session };
  }

  #session(id: string): SessionState {
    const session = this.sessions.get(id);
    if (session === undefined) throw mediaError('unknown-session');
    return session;
  }
}

type Command = { [M in MethodName]: { method: M; params: MethodParams<M> } }[MethodName];

export class FakeClient extends Emitter<MediaEvents & MediaClientEvents> implements MediaClient {
  readonly #engine: FakeEngine;
  readonly #onGone: () => void;
  #gone = false;

  constructor(engine: FakeEngine, onGone: () => void) {
    super((error) => {
      throw error;
    });
    this.#engine = engine;
    this.#onGone = onGone;
  }

  async call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options: { signal?: AbortSignal } = {},
  ): Promise<MethodResult<M>> {
    options.signal?.throwIfAborted();
    if (this.#gone) throw closed();
    const parsed = methods[method].params.parse(params) as MethodParams<M>;
    const result = this.#engine.handle(method, parsed);
    await Promise.resolve();
    if (this.#gone) throw closed();
    return methods[method].result.parse(result) as MethodResult<M>;
  }

  cut(reason: Error | undefined = closed()): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onGone();
    this.emit('closed', reason);
  }

  close(): Promise<void> {
    this.cut(undefined);
    return Promise.resolve();
  }
}

function closed(): OffhookError {
  return new OffhookError('channel', 'closed', 'the channel is closed');
}

function stats(id: string): MethodResult<'session.stats'> {
  const direction = { packets: 50, bytes: 8000, lost: 0, lossPct: 0, jitterMs: 1 };
  return {
    id,
    codec: 'PCMA',
    tx: direction,
    rx: direction,
    rttMs: 4,
    concealedPct: 0,
    jitterBufferMs: 20,
    mos: 4.4,
  };
}

function describe(method: MethodName, params: unknown): string {
  const {
    id,
    revision,
    step,
    muted,
    digits,
    method: how,
    kind,
    conference,
  } = params as Record<string, unknown>;
  const { type, of, direction } = (step ?? {}) as Record<string, unknown>;
  return [method, id, revision, type, of, direction, muted, digits, how, kind, conference]
    .filter((one) => one !== undefined)
    .map(String)
    .join(' ');
}
