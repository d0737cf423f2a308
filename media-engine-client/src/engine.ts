import { randomUUID } from 'node:crypto';
import {
  describeError,
  machineAddresses,
  systemClock,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { EventName, EventParams, SessionStats } from '@offhook/media-rpc';
import type { EngineConfig } from './config.ts';
import { localCountry } from './country.ts';
import { Devices } from './devices.ts';
import { GuestEngine } from './guest-engine.ts';
import { press } from './headset/act.ts';
import type { Button } from './headset/button.ts';
import { asking } from './location/ask.ts';
import { LocationSource } from './location/location-source.ts';
import { kernelAddressFinder, type AddressFinder } from './local-address.ts';
import type { LegStats, MediaPlane } from './media-plane.ts';
import { Admission } from './session/admission.ts';
import { Guests } from './session/guests.ts';
import { LegWatch } from './session/leg-watch.ts';
import type { LiveSession } from './session/live-session.ts';
import type { GuestIdentity } from './session/record.ts';
import { Sessions } from './session/sessions.ts';
import { sessionStats } from './session/stats.ts';
import { noSettings, Settings, type SettingsStore } from './settings.ts';
import { ToneBoard } from './tone-board.ts';
import { Estate } from './will/estate.ts';
import { WillPolicy } from './will/will-policy.ts';
import { sendWill, type WillSender } from './will/will-sender.ts';
import { Wills, type Bereft } from './will/wills.ts';

export interface EngineOptions {
  readonly plane: MediaPlane;
  readonly config: EngineConfig;
  readonly settings: SettingsStore;
  /** What the next engine has to know of leases and wills; forgotten by default. */
  readonly state?: SettingsStore;
  readonly sendWill?: WillSender;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly addresses?: AddressFinder;
  /** The addresses of this machine; the system's by default. */
  readonly machine?: () => ReadonlySet<string>;
}

/** How long it is heard at the thin client that a call was lost, ms. */
const LOST_TONE_MS = 3000;

/**
 * The media engine of one thin client: sessions for any number of guests, with one microphone, one
 * set of devices and one policy. It owns no channel; each connection gets a view by `attach`.
 */
export class Engine {
  readonly instance = randomUUID();
  readonly sessions: Sessions;
  readonly guests: Guests;
  readonly devices: Devices;
  readonly wills: Wills;
  readonly location: LocationSource;
  readonly #estate: Estate;
  readonly #tones: ToneBoard;
  readonly #watch: LegWatch;
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #views = new Set<GuestEngine>();
  #health: EventParams<'engine.health'> = { worker: 'up', message: '' };
  #attached = 0;
  #closed = false;

  private constructor(options: EngineOptions, settings: Settings) {
    this.#options = options;
    const { plane, config, logger } = options;
    this.#clock = options.clock ?? systemClock;
    this.guests = new Guests({
      policy: config.policy,
      clock: this.#clock,
      hasSessions: (instance) =>
        this.sessions.table.of(instance).length > 0 || this.wills.of(instance).length > 0,
      onLeaseEnd: (instance) => void this.#endAll(instance),
      onLongestLease: (ms) => void this.#setLease(ms),
      onPresence: () => void this.#estate.save(),
    });
    this.wills = new Wills({
      policy: new WillPolicy(config),
      send: options.sendWill ?? sendWill,
      clock: this.#clock,
      logger,
    });
    this.#estate = new Estate(options.state ?? noSettings, this.guests, this.wills);
    this.devices = new Devices({
      plane,
      settings,
      guestsSelect: config.policy.guests_select_devices,
    });
    this.sessions = new Sessions({
      plane,
      config,
      clock: this.#clock,
      logger,
      admission: new Admission(config, options.addresses ?? kernelAddressFinder),
      machine: options.machine ?? machineAddresses,
      device: (role) => this.devices.selected(role),
      voice: () => this.devices.voice,
      leaseMs: ({ instance }) => this.guests.leaseMs(instance),
    });
    this.location = new LocationSource({
      config: config.location,
      ask: asking(config.location),
      onChange: (location) => {
        for (const view of this.#views) view.emit('location.changed', { location });
      },
      clock: this.#clock,
      logger,
    });
    this.#tones = this.#newTones('engine');
    this.#watch = new LegWatch({
      sessions: this.sessions,
      timeoutMs: config.rtp.timeout * 1000,
      workerUp: () => this.#health.worker === 'up',
      connected: (instance) => this.guests.connected(instance),
      leg: (session) => this.#leg(session),
      silent: ({ guest, id }, silentMs) =>
        this.#tell(guest, 'session.rtpTimeout', { id, silentMs }),
      clock: this.#clock,
      logger,
    });
    this.#listen();
  }

  /** Starts an engine on a plane, with what its worker has kept of an earlier one. */
  static async start(options: EngineOptions): Promise<Engine> {
    const settings = new Settings(options.config.audio, options.settings);
    await settings.load();
    const engine = new Engine(options, settings);
    const leases = await engine.#estate.load();
    const adopted = await engine.sessions.adopt();
    for (const { guest, leaseMs } of adopted) {
      engine.guests.expect(guest, leaseMs, leases.get(guest.instance)?.endsAt);
    }
    // Calls that went down with their worker: their guests may come and build them anew.
    for (const { guest, leaseMs, endsAt } of leases.values()) {
      if (engine.wills.of(guest.instance).length > 0) engine.guests.expect(guest, leaseMs, endsAt);
    }
    if (adopted.length > 0) {
      options.logger.info({ sessions: adopted.length }, 'calls of an earlier engine go on');
    }
    // Not waited for: calls do not need it, and whoever does is told when it is known.
    void engine.location.start();
    await engine.#setLease(engine.guests.longestLeaseMs);
    await engine.devices.restore();
    engine.#watch.start();
    return engine;
  }

  get health(): EventParams<'engine.health'> {
    return this.#health;
  }

  /**
   * A view for another connection of a guest, until `detach`.
   *
   * @param leaseMs What was granted for its sessions; as before, or the policy's, if absent.
   */
  attach(
    guest: GuestIdentity,
    leaseMs?: number,
    capabilities: readonly string[] = [],
  ): GuestEngine {
    const { plane, config, logger } = this.#options;
    const view = new GuestEngine({
      engine: this.instance,
      location: () => this.location.current,
      guest,
      capabilities,
      guests: this.guests,
      sessions: this.sessions,
      devices: this.devices,
      tones: this.#newTones(`${guest.instance}/${++this.#attached}`),
      wills: this.wills,
      save: () => this.#estate.save(),
      onClaimed: (id, from) => this.#tell(from, 'session.released', { id }),
      plane,
      clock: this.#clock,
      logger,
      health: () => this.#health,
      maxSessions: Math.min(config.policy.sessions, config.policy.sessions_per_guest),
      stats: (session) => this.stats(session),
    });
    if (leaseMs !== undefined) this.guests.setLease(guest.instance, leaseMs);
    this.#views.add(view);
    return view;
  }

  /** The connection of this view is gone. */
  async detach(view: GuestEngine): Promise<void> {
    this.#views.delete(view);
    await view.close();
  }

  /** The person here pressed a button at the headset. */
  press(button: Button): void {
    const { config, logger } = this.#options;
    const { sessions, devices } = this;
    const { volume } = config.headset;
    press(button, { sessions, devices, views: this.#views, volume, logger });
  }

  /** Calls `listener` whenever sessions, devices or the worker have changed. */
  onChange(listener: () => void): () => void {
    const { sessions, devices, wills } = this;
    const stop = [
      wills.on('ended', listener),
      sessions.on('changed', listener),
      sessions.on('listed', listener),
      devices.on('changed', listener),
      this.#options.plane.on('worker', listener),
    ];
    return () => {
      for (const one of stop) one();
    };
  }

  async stats(session: LiveSession): Promise<SessionStats> {
    return sessionStats(
      session.id,
      session.data.inForce?.agreement.codec,
      await this.#leg(session),
    );
  }

  /**
   * Ends the engine. With `keepCalls` the worker and its legs run on, for the next engine to adopt;
   * without, every call's audio ends and the worker stops.
   */
  async close({ keepCalls }: { keepCalls: boolean }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.location.close();
    await Promise.all([...this.#views].map((view) => this.detach(view)));
    // With the leases that begin now.
    await this.#estate.close();
    this.guests.close();
    this.wills.close();
    await this.#tones.close();
    if (!keepCalls) await this.sessions.stopRecordings();
    this.sessions.close();
    this.devices.close();
    await this.#options.plane.close({ stopWorker: !keepCalls });
  }

  async #leg(session: LiveSession): Promise<LegStats | undefined> {
    if (!session.hasAudio || session.recovering) return undefined;
    try {
      await session.inLine();
      return await this.#options.plane.stats(session.sockets.id);
    } catch (error) {
      // A worker that is away has counted nothing that could be told; `recovering` says the rest.
      this.#options.logger.debug({ session: session.id, err: error }, 'no statistics');
      return undefined;
    }
  }

  /** The worker must not end the calls of a dead engine before the guests' leases do. */
  async #setLease(ms: number): Promise<void> {
    try {
      await this.#options.plane.setLease(ms);
    } catch (error) {
      this.#options.logger.warn({ reason: describeError(error) }, 'the lease was not set');
    }
  }

  /** The lease is over: the audio ends, the person here is told, and the far ends by the wills. */
  async #endAll(instance: string): Promise<void> {
    const { sessions, wills } = this;
    const own = sessions.table.of(instance);
    const lost = wills.of(instance).filter(({ id }) => own.every((session) => session.id !== id));
    if (own.length + lost.length === 0) return;
    const audible = own.some((session) => session.hasAudio);
    this.#options.logger.warn(
      { sessions: own.length, lost: lost.length },
      'the guest did not come back: its calls are over',
    );
    await Promise.all(own.map((session) => sessions.end(session)));
    if (audible) void this.#sound();
    await Promise.all([
      ...own.map((session) => wills.execute(bereft(session))),
      ...lost.map((one) => wills.execute(one)),
    ]);
  }

  /** A call is over and no phone is there to say so. */
  async #sound(): Promise<void> {
    try {
      await this.#tones.play({ id: 'lost', kind: 'error', durationMs: LOST_TONE_MS });
    } catch (error) {
      this.#options.logger.warn({ reason: describeError(error) }, 'the tone was not played');
    }
  }

  /** The person here ends the call: without its guest nobody else tells the far end. */
  #hungUp(session: LiveSession): void {
    this.#tell(session.guest, 'session.hangup', { id: session.id });
    const { instance } = session.guest;
    if (this.guests.connected(instance) || !this.wills.has(instance, session.id)) return;
    void this.wills.execute(bereft(session));
  }

  #newTones(owner: string): ToneBoard {
    const { plane, config } = this.#options;
    return new ToneBoard({
      plane,
      clock: this.#clock,
      owner,
      country: localCountry(config.audio.country),
      device: (role) => this.devices.selected(role),
    });
  }

  #listen(): void {
    const { plane, logger } = this.#options;
    const { sessions, devices } = this;
    sessions.on('listed', ({ guest }) => {
      // It may have gone while its call was set up.
      if (sessions.table.of(guest.instance).length > 0) this.guests.expect(guest);
    });
    sessions.on('changed', ({ guest, state }) => this.#tell(guest, 'session.changed', state));
    sessions.on('renegotiate', ({ session, reason }) =>
      this.#tell(session.guest, 'session.renegotiate', { id: session.id, reason }),
    );
    sessions.on('dtmf', ({ session, digit, durationMs }) =>
      this.#tell(session.guest, 'session.dtmf', { id: session.id, digit, durationMs }),
    );
    sessions.on('hungUp', (session) => this.#hungUp(session));
    this.wills.on('ended', ({ guest, ended }) => this.#tell(guest, 'session.ended', ended));
    devices.on('settle', () => sessions.settle());
    devices.on('changed', (list) => {
      for (const view of this.#views) view.emit('devices.changed', list);
    });
    plane.on('worker', ({ state, message }) => {
      this.#health = { worker: state, message };
      for (const view of this.#views) view.emit('engine.health', this.#health);
      if (state === 'failed') logger.error({ message }, 'the media worker does not run');
      else logger.warn({ state, message }, 'media worker');
    });
    plane.on('deviceFailed', ({ role, device, message }) =>
      logger.warn({ role, device, message }, 'audio device failed'),
    );
  }

  #tell<K extends EventName>({ instance }: GuestIdentity, name: K, event: EventParams<K>): void {
    for (const view of this.#views) {
      if (view.guest.instance === instance) view.emit(name, event as never);
    }
  }
}

function bereft({ guest, id, data }: LiveSession): Bereft {
  return { guest, id, label: data.options.label };
}
