import { Emitter, systemClock, type Clock, type OffhookError, type Timer } from '@offhook/common';
import type { MediaEvents, MethodName, MethodParams, MethodResult } from '../contract.ts';
import { mediaError, type MediaEngine } from '../engine.ts';
import type {
  AudioDevice,
  AudioRole,
  EndedSession,
  LastWill,
  SessionStats,
  WillResult,
} from '../schemas.ts';
import { receives, sends, type FakeEndpoint } from './negotiate.ts';
import { record, stateOf, takeStep, type FakeSession } from './session.ts';

export interface FakeEngineOptions {
  instanceId?: string;
  clock?: Clock;
  /** What SDP and `local` say; nothing is bound. */
  address?: string;
  ports?: { readonly from: number; readonly to: number };
  /** Milliseconds granted at most. */
  maxLeaseMs?: number;
}

type Handlers = {
  readonly [M in MethodName]: (
    params: MethodParams<M>,
    signal: AbortSignal,
  ) => MethodResult<M> | Promise<MethodResult<M>>;
};

const DEVICES: readonly AudioDevice[] = [
  { id: 'null', name: 'No sound', roles: ['input', 'output', 'ringer'], present: true },
  { id: 'tone:440', name: 'Tone of 440 Hz', roles: ['input'], present: true },
];

/**
 * An engine with offer/answer, sessions, ports, time, and no sound: what the guest is tested and
 * measured with. Tests tell it to fail, hang or die, and emit its events; it passes the conformance
 * suite.
 */
export class FakeEngine extends Emitter<MediaEvents> implements MediaEngine {
  readonly #clock: Clock;
  readonly #options: Required<Omit<FakeEngineOptions, 'clock'>>;
  readonly #sessions = new Map<string, FakeSession>();
  readonly #activeSince = new Map<string, number>();
  readonly #ports = new Set<number>();
  readonly #failures = new Map<MethodName, OffhookError[]>();
  readonly #hanging = new Set<MethodName>();
  readonly #selected: Record<AudioRole, string> = { input: 'null', output: 'null', ringer: 'null' };
  #nextPort: number;
  #leaseMs: number;
  #statsTimer: Timer | undefined;
  /** Every request so far, oldest first. */
  readonly requests: { readonly method: MethodName; readonly params: unknown }[] = [];
  /** Digits as they would have been sent. */
  readonly sentDigits: { readonly id: string; readonly digits: string }[] = [];
  /** Wills by session. */
  readonly wills = new Map<string, LastWill>();
  readonly #ended = new Map<string, EndedSession>();
  /** Tones that play now: id → kind. */
  readonly tones = new Map<string, string>();
  /** DTMF commands carried out, by session. */
  readonly #commands = new Map<string, Set<string>>();

  constructor(options: FakeEngineOptions = {}) {
    super();
    const { clock = systemClock, ...rest } = options;
    this.#clock = clock;
    this.#options = {
      instanceId: 'fake-engine',
      address: '127.0.0.1',
      ports: { from: 40_000, to: 59_998 },
      maxLeaseMs: 60_000,
      ...rest,
    };
    this.#nextPort = this.#options.ports.from;
    this.#leaseMs = this.#options.maxLeaseMs;
  }

  get instanceId(): string {
    return this.#options.instanceId;
  }

  /** The sessions as `snapshot` gives them. */
  get sessions() {
    return [...this.#sessions.values()].map(stateOf);
  }

  /** The next request of that method fails so. */
  failNext(method: MethodName, error: OffhookError): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  /** Requests of that method get no answer until `release`. */
  hang(method: MethodName): void {
    this.#hanging.add(method);
  }

  /** Later requests of that method are answered again. */
  release(method: MethodName): void {
    this.#hanging.delete(method);
  }

  /** The guest was away for its lease: the session is over, and its will had this result. */
  endLease(id: string, will?: WillResult): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    const { label } = session.options;
    const ended = { id, label, endedAt: this.#clock.wall(), ...(will && { will }) };
    this.#drop(id);
    this.#ended.set(id, ended);
  }

  /** Takes over the sessions of an earlier life, as from a worker that has played on. */
  adopt(earlier: FakeEngine): void {
    for (const [id, will] of earlier.wills) this.wills.set(id, will);
    for (const [id, ended] of earlier.#ended) this.#ended.set(id, ended);
    for (const session of earlier.#sessions.values()) {
      this.#ports.add(session.local.port);
      this.#keep(session);
    }
  }

  /** Stops its timers. */
  close(): void {
    this.#statsTimer?.cancel();
    this.clear();
  }

  async handle<M extends MethodName>(
    method: M,
    params: MethodParams<M>,
    { signal }: { signal: AbortSignal },
  ): Promise<MethodResult<M>> {
    this.requests.push({ method, params });
    if (this.requests.length > MAX_REMEMBERED) this.requests.splice(0, MAX_REMEMBERED / 2);
    const failure = this.#failures.get(method)?.shift();
    if (failure !== undefined) throw failure;
    if (this.#hanging.has(method)) {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    return this.#handlers[method](params, signal);
  }

  readonly #handlers: Handlers = {
    snapshot: () => ({
      engine: this.instanceId,
      sessions: this.sessions,
      leaseMs: this.#leaseMs,
      ended: [...this.#ended.values()],
    }),
    'lease.set': ({ ms }) => {
      this.#leaseMs = Math.min(ms, this.#options.maxLeaseMs);
      return { ms: this.#leaseMs };
    },
    'guest.use': () => ({}),
    'session.open': ({ id, revision, options, step }) => {
      const known = this.#sessions.get(id);
      if (known !== undefined) {
        if (revision > known.revision) throw mediaError('wrong-state', 'It is open already');
        const { lastSdp } = takeStep(known, revision, step);
        if (lastSdp === undefined) throw mediaError('wrong-state', 'The session has moved on');
        return { sdp: lastSdp, session: stateOf(known) };
      }
      if (step.type !== 'offer' && step.type !== 'answer') throw mediaError('wrong-state');
      const fresh: FakeSession = {
        id,
        revision: 0,
        options,
        local: this.#allocate(),
        openedAt: this.#clock.wall(),
        muted: false,
        locallyMuted: false,
        inForce: undefined,
        offer: undefined,
        lastSdp: undefined,
      };
      try {
        const opened = takeStep(fresh, revision, step);
        this.#keep(opened);
        return { sdp: opened.lastSdp ?? '', session: stateOf(opened) };
      } catch (error) {
        this.#ports.delete(fresh.local.port);
        throw error;
      }
    },
    'session.update': ({ id, revision, step }) => {
      const session = takeStep(this.#session(id), revision, step);
      this.#keep(session);
      const sdp = session.lastSdp;
      return { ...(sdp === undefined ? {} : { sdp }), session: stateOf(session) };
    },
    'session.close': ({ id }) => {
      this.#drop(id);
      this.#ended.delete(id);
      return {};
    },
    'session.claim': ({ id }) => stateOf(this.#session(id)),
    'will.set': ({ session, ...will }) => {
      this.#session(session);
      this.wills.set(session, will);
      return {};
    },
    'will.remove': ({ session }) => {
      this.wills.delete(session);
      return {};
    },
    'session.get': ({ id }) => stateOf(this.#session(id)),
    'session.stats': ({ id }) => this.#stats(this.#session(id)),
    'session.mute': ({ id, muted }) => {
      const session = { ...this.#session(id), muted };
      this.#keep(session);
      return stateOf(session);
    },
    'session.conference': ({ id, conference }) => {
      const session = { ...this.#session(id), conference: conference ?? undefined };
      this.#keep(session);
      return stateOf(session);
    },
    'session.record': ({ id, state }) => {
      const session = record(this.#session(id), state, this.#clock.wall());
      this.#keep(session);
      return stateOf(session);
    },
    'session.dtmf': ({ id, command, digits, method }) => {
      const agreement = this.#session(id).inForce?.agreement;
      const can = method === 'inband' || agreement?.telephoneEvent === true;
      if (agreement === undefined || !sends(agreement.direction) || !can) {
        throw mediaError('wrong-state');
      }
      const done = this.#commands.get(id) ?? new Set();
      this.#commands.set(id, done);
      if (!done.has(command)) this.sentDigits.push({ id, digits });
      done.add(command);
      return {};
    },
    'audio.volume': () => ({}),
    'audio.voice': () => ({}),
    'tone.play': ({ id, kind, durationMs }) => {
      this.tones.set(id, kind);
      if (durationMs !== undefined) this.#clock.after(durationMs, () => this.tones.delete(id));
      return {};
    },
    'tone.stop': ({ id }) => {
      this.tones.delete(id);
      return {};
    },
    'devices.list': () => ({ devices: [...DEVICES], selected: { ...this.#selected } }),
    'devices.select': ({ role, id }) => {
      const device = DEVICES.find((one) => one.id === id && one.roles.includes(role));
      if (device === undefined && id !== 'default') throw mediaError('no-such-device');
      this.#selected[role] = id;
      return {};
    },
    'stats.subscribe': ({ intervalMs }) => {
      this.#statsTimer?.cancel();
      this.#statsTimer = undefined;
      if (intervalMs > 0) this.#statsEvery(intervalMs);
      return {};
    },
  };

  #session(id: string): FakeSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw mediaError('unknown-session', `No session ${id}`);
    return session;
  }

  #keep(session: FakeSession): void {
    this.#sessions.set(session.id, session);
    if (session.inForce === undefined) this.#activeSince.delete(session.id);
    else if (!this.#activeSince.has(session.id)) {
      this.#activeSince.set(session.id, this.#clock.now());
    }
  }

  #drop(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#activeSince.delete(id);
    this.#ports.delete(session.local.port);
    this.#commands.delete(id);
    this.wills.delete(id);
  }

  #allocate(): FakeEndpoint {
    const { address, ports } = this.#options;
    for (let tries = ports.from; tries <= ports.to; tries += 2) {
      const port = this.#nextPort;
      this.#nextPort = port + 2 > ports.to ? ports.from : port + 2;
      if (!this.#ports.has(port)) {
        this.#ports.add(port);
        return { address, port };
      }
    }
    throw mediaError('limit-reached');
  }

  /** As a clean line would count: a packet each ptime, from when audio began. */
  #stats(session: FakeSession): SessionStats {
    const { inForce, options, id } = session;
    const since = this.#activeSince.get(id);
    const count =
      since === undefined ? 0 : Math.floor((this.#clock.now() - since) / options.ptimeMs);
    const direction = (on: boolean) => ({
      packets: on ? count : 0,
      bytes: on ? count * 172 : 0,
      lost: 0,
      lossPct: 0,
      jitterMs: 0,
    });
    const agreement = inForce?.agreement;
    const way = agreement?.direction ?? 'inactive';
    return {
      id,
      tx: direction(sends(way)),
      rx: direction(receives(way)),
      concealedPct: 0,
      jitterBufferMs: 20,
      ...(agreement === undefined
        ? {}
        : { codec: agreement.codec, rttMs: 1, mos: 4.4, levels: { inputDb: -20, outputDb: -20 } }),
    };
  }

  #statsEvery(intervalMs: number): void {
    this.#statsTimer = this.#clock.after(intervalMs, () => {
      this.#statsEvery(intervalMs);
      for (const session of this.#sessions.values()) {
        if (session.inForce !== undefined) this.emit('session.stats', this.#stats(session));
      }
    });
  }
}

/** Requests kept for tests to look at. */
const MAX_REMEMBERED = 10_000;
