import { OffhookError, withDeadline, type Clock, type Logger, type Timer } from '@offhook/common';
import type { AdapterSink, CtiAdapter } from '../adapter/adapter.ts';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import { capabilitiesOf, NO_ABILITIES, type Abilities } from './abilities.ts';
import { AmiClient } from './ami-client.ts';
import type { AmiPacket } from './ami-packet.ts';
import { ChannelTable } from './channel-table.ts';
import { perform } from './commands.ts';
import { DeviceTable } from './device-table.ts';
import { detectAbilities, load } from './listings.ts';
import { QueueCallers } from './queue-callers.ts';
import { matches, type AsteriskSettings } from './settings.ts';

export interface AsteriskOptions {
  readonly settings: AsteriskSettings;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For each action and each service, milliseconds. */
  readonly timeoutMs?: number;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
const PING_MS = 15_000;
const TIMEOUT_MS = 5000;

type Watcher = (event: AmiPacket | undefined) => void;

/** Asterisk 18 and later, through its manager interface. */
export class AsteriskAdapter implements CtiAdapter {
  readonly name: string;
  readonly #options: AsteriskOptions;
  readonly #timeoutMs: number;
  readonly #channels: ChannelTable;
  readonly #devices: DeviceTable;
  readonly #callers: QueueCallers;
  readonly #watchers = new Set<Watcher>();
  readonly #closing = new AbortController();
  #sink: AdapterSink | undefined;
  #ami: AmiClient | undefined;
  #abilities: Abilities = NO_ABILITIES;
  /** While listings are under way, what changes goes into the tables and is told at their end. */
  #loading = true;
  #attempt = 0;
  #lostAttempt = 0;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;

  constructor(options: AsteriskOptions) {
    const { settings } = options;
    this.name = settings.name;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#channels = new ChannelTable({
      name: settings.name,
      contract: settings.contract,
      isDevice: (endpoint) => matches(settings.devices, endpoint),
    });
    this.#devices = new DeviceTable((device) =>
      capabilitiesOf(this.#abilities, this.#isRemoteControlled(device)),
    );
    this.#callers = new QueueCallers(this.#channels);
  }

  start(sink: AdapterSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  async request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult> {
    const ami = this.#ami;
    if (ami === undefined || this.#loading) {
      throw new OffhookError('cti', 'pbx-gone', `${this.name} is not connected at the moment`);
    }
    const what = request.service;
    const all = AbortSignal.any([signal, this.#closing.signal]);
    const deadline = { layer: 'cti', what, ms: this.#timeoutMs * 2, signal: all } as const;
    return withDeadline(deadline, (within) =>
      perform(request, {
        ami,
        channels: this.#channels,
        devices: this.#devices,
        settings: this.#options.settings,
        signal: within,
        remoteControl: (device) => this.#isRemoteControlled(device),
        tell: (facts) => this.#tell(facts),
        awaiting: (told, look, work, ms = this.#timeoutMs) =>
          this.#awaiting(told, look, work, { ms, signal: within }),
      }),
    );
  }

  close(): Promise<void> {
    this.#sink = undefined;
    this.#closing.abort(new OffhookError('cti', 'closed', `${this.name} was closed`));
    this.#timer?.cancel();
    this.#ami?.close();
    return Promise.resolve();
  }

  async #connect(): Promise<void> {
    const { settings, secret, logger } = this.#options;
    this.#attempt++;
    this.#loading = true;
    try {
      this.#channels.beginListing();
      const ami = await AmiClient.connect(
        {
          host: settings.host,
          port: settings.port,
          username: settings.username,
          secret,
          tls: settings.tls,
          timeoutMs: this.#timeoutMs,
          onEvent: (event) => this.#event(event),
          onClose: (reason) => this.#lost(reason),
        },
        this.#closing.signal,
      );
      this.#ami = ami;
      await this.#load(ami);
      this.#retryMs = FIRST_RETRY_MS;
      this.#ping(ami);
      logger.info({ pbx: this.name }, 'connected with the PBX');
    } catch (error) {
      this.#ami?.close();
      this.#lost(error instanceof OffhookError ? error : unexpected(error));
    }
  }

  async #load(ami: AmiClient): Promise<void> {
    const { settings } = this.#options;
    const { signal } = this.#closing;
    const [abilities, listings] = await Promise.all([
      detectAbilities(ami, settings.contract, signal),
      load(ami, signal),
    ]);
    this.#abilities = abilities;
    const endpoints = listings.endpoints.filter((row) =>
      matches(settings.devices, row['ObjectName'] ?? ''),
    );
    this.#channels.endListing(listings.channels);
    this.#devices.reset({ ...listings, endpoints });
    this.#callers.reset(listings.queues);
    this.#loading = false;
    this.#sink?.fact({
      kind: 'snapshot',
      devices: this.#devices.devices(),
      connections: [...this.#channels.facts(), ...this.#callers.facts()],
    });
    this.#sink?.status({ up: true });
  }

  #lost(reason: OffhookError): void {
    // The end of a connection is told by itself, and by whoever waited for an answer.
    if (this.#closing.signal.aborted || this.#lostAttempt === this.#attempt) return;
    this.#lostAttempt = this.#attempt;
    this.#ami = undefined;
    this.#loading = true;
    this.#timer?.cancel();
    this.#options.logger.warn(
      { pbx: this.name, code: reason.code, reason: reason.message, retryMs: this.#retryMs },
      'the PBX is not connected',
    );
    this.#sink?.status({ up: false, reason: reason.message });
    this.#timer = this.#options.clock.after(this.#retryMs, () => void this.#connect());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #ping(ami: AmiClient): void {
    this.#timer = this.#options.clock.after(PING_MS, () => void this.#pong(ami));
  }

  async #pong(ami: AmiClient): Promise<void> {
    try {
      await ami.request('Ping');
      if (this.#ami === ami) this.#ping(ami);
    } catch {
      if (this.#ami !== ami) return;
      ami.close();
      this.#lost(new OffhookError('cti', 'pbx-gone', `${this.name} does not answer any more`));
    }
  }

  #event(event: AmiPacket): void {
    // What the queues' callers are called comes from the channel, which a hang-up removes.
    const waiting = this.#callers.apply(event);
    const facts = [...waiting, ...this.#channels.apply(event), ...this.#devices.apply(event)];
    if (!this.#loading) this.#tell(facts);
    for (const watcher of this.#watchers) watcher(event);
  }

  #tell(facts: readonly Fact[]): void {
    for (const fact of facts) this.#sink?.fact(fact);
  }

  async #awaiting<T>(
    what: string,
    look: (event: AmiPacket | undefined) => T | undefined,
    work: () => Promise<unknown>,
    limits: { ms: number; signal: AbortSignal },
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    promise.catch(() => undefined);
    const watcher: Watcher = (event) => {
      try {
        const found = look(event);
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    this.#watchers.add(watcher);
    try {
      await work();
      watcher(undefined);
      return await withDeadline({ layer: 'cti', what, ...limits }, () => promise);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  #isRemoteControlled(device: string): boolean {
    return matches(this.#options.settings.remote_control, device);
  }
}

function unexpected(error: unknown): OffhookError {
  const message = error instanceof Error ? error.message : String(error);
  return new OffhookError('cti', 'unexpected', message, { cause: error });
}
