import {
  describeError,
  isOffhookError,
  type Clock,
  type ControlClient,
  type Timer,
} from '@offhook/common';
import type { AudioRole } from '@offhook/media-rpc';
import {
  CHANGED,
  controlMethods,
  type ControlName,
  type ControlParams,
  type ControlResult,
} from '../control/api.ts';
import { initialView, type EngineActions, type EngineView } from './state.ts';

const RETRY_MS = 500;
/** Figures of calls that run. */
const LOOK_MS = 1000;

export interface EngineStoreOptions {
  readonly clock: Clock;
  /** A fresh connection to the engine's control socket. */
  readonly connect: () => Promise<ControlClient>;
}

/** What the screen shows, kept in line with the engine; finds it again when it was away. */
export class EngineStore implements EngineActions {
  readonly #options: EngineStoreOptions;
  readonly #listeners = new Set<() => void>();
  #view: EngineView = initialView;
  #client: ControlClient | undefined;
  #timer: Timer | undefined;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(options: EngineStoreOptions) {
    this.#options = options;
  }

  readonly getState = (): EngineView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Resolves after the first attempt. */
  async start(): Promise<void> {
    try {
      const client = await this.#options.connect();
      if (this.#closed) return await client.close();
      this.#client = client;
      client.on(CHANGED, () => void this.#look());
      client.onClose((error) => this.#lost(client, error));
      await client.subscribe([CHANGED]);
      await this.#look();
    } catch (error) {
      this.#lost(this.#client, error);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
    await this.#client?.close();
  }

  readonly hangup = (call: string): void => this.#do('calls.hangup', { call });
  readonly mute = (call: string, muted: boolean): void =>
    this.#do(muted ? 'calls.mute' : 'calls.unmute', { call });
  readonly muteAll = (muted: boolean): void =>
    this.#do(muted ? 'calls.mute' : 'calls.unmute', { all: true });
  readonly take = (call: string): void => this.#do('calls.take', { call });
  readonly stopRecording = (call: string): void => this.#do('calls.stop-recording', { call });
  readonly select = (role: AudioRole, id: string): void => this.#do('devices.select', { role, id });
  readonly volume = (role: AudioRole, volume: number): void => this.#do('volume', { role, volume });
  readonly dismiss = (): void => {
    if (this.#view.notice !== undefined) this.#put({ notice: undefined });
  };

  /** What fails is told on the screen, in the engine's words. */
  #do<N extends ControlName>(name: N, params: ControlParams<N>): void {
    const client = this.#client;
    if (client === undefined) return;
    const work = async () => {
      try {
        await ask(client, name, params);
        await this.#look();
      } catch (error) {
        if (!isOffhookError(error, 'closed')) this.#put({ notice: describeError(error) });
      }
    };
    void work();
  }

  /** One look at a time; what changes meanwhile is looked at after it. */
  async #look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    const client = this.#client;
    if (client === undefined || this.#closed) return;
    this.#looking = true;
    this.#timer?.cancel();
    try {
      const [status, { calls }, { devices }] = await Promise.all([
        ask(client, 'status', {}),
        ask(client, 'calls', {}),
        ask(client, 'devices.list', {}),
      ]);
      this.#put({ status, calls, devices, lost: undefined });
    } catch (error) {
      if (!isOffhookError(error, 'closed')) this.#put({ notice: describeError(error) });
    } finally {
      this.#looking = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.#look();
    } else if (this.#client === client && !this.#closed) {
      this.#timer = this.#options.clock.after(LOOK_MS, () => void this.#look());
    }
  }

  #lost(client: ControlClient | undefined, error: unknown): void {
    if (this.#closed || client !== this.#client) return;
    this.#client = undefined;
    void client?.close();
    this.#put({ lost: error === undefined ? 'the engine has ended' : describeError(error) });
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(RETRY_MS, () => void this.start());
  }

  #put(change: Partial<EngineView>): void {
    if (this.#closed) return;
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}

async function ask<N extends ControlName>(
  client: ControlClient,
  name: N,
  params: ControlParams<N>,
): Promise<ControlResult<N>> {
  const { result } = controlMethods[name];
  return (await client.call(name, params, { result })) as ControlResult<N>;
}
