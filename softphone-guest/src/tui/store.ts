import type { Clock, Timer } from '@offhook/common/clock';
import { describeError, isOffhookError } from '@offhook/common/errors';
import type { RecordingAction } from '../call/recordings.ts';
import type { DaemonClient } from '../control/client.ts';
import { controlEvents, type ControlEventName } from '../control/api.ts';
import type { LampInfo } from '../control/presence-schemas.ts';
import type { PhoneActions } from './actions.ts';
import { initialState, reduce, type List, type PhoneInput, type PhoneState } from './state.ts';

const RETRY_MS = 500;
const CALL_DEADLINE_MS = 60_000;
const MOST_LINES = 1000;

export interface PhoneStoreOptions {
  readonly clock: Clock;
  /** A fresh connection to the daemon. */
  readonly connect: () => Promise<DaemonClient>;
  /** The person leaves the screen. */
  readonly onQuit: () => void;
}

/** What the screen shows, kept in line with the daemon; reconnects when the daemon goes. */
export class PhoneStore implements PhoneActions {
  readonly #options: PhoneStoreOptions;
  readonly #listeners = new Set<() => void>();
  #state: PhoneState = initialState;
  #daemon: DaemonClient | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: PhoneStoreOptions) {
    this.#options = options;
  }

  readonly getState = (): PhoneState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Resolves after the first attempt. */
  async start(): Promise<void> {
    let daemon: DaemonClient | undefined;
    try {
      const opened = await this.#options.connect();
      daemon = opened;
      const { control } = opened;
      control.on('*', (params, name) => this.#event(name, params));
      await control.subscribe(Object.keys(controlEvents));
      const [status, { calls }, { lamps }] = await Promise.all([
        opened.call('status', {}),
        opened.call('calls.list', {}),
        opened.call('lamps.list', {}),
      ]);
      if (this.#closed) return await opened.close();
      this.#daemon = opened;
      control.onClose((error) => this.#lost(error));
      if (control.closed) this.#lost(undefined);
      else this.#put({ type: 'connected', status, calls, lamps });
      for (const list of this.#lists) this.load(list);
    } catch (error) {
      await daemon?.close();
      this.#lost(error);
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    this.#listeners.clear();
    await this.#daemon?.close();
  }

  /** Lists that the screen has asked for. */
  readonly #lists = new Set<List>();

  notify(text: string): void {
    this.#put({ type: 'notice', notice: { kind: 'info', text } });
  }

  readonly dial = (target: string, account?: string) =>
    this.#do((daemon) =>
      // A line is one of the softphone.
      daemon.call('call.dial', {
        target,
        account: this.#state.handset.mode === 'soft' ? account : undefined,
      }),
    );
  readonly answer = (call: string) =>
    this.#do((daemon) => daemon.call('call.answer', { call }, { timeoutMs: CALL_DEADLINE_MS }));
  readonly reject = (call: string) => this.#do((daemon) => daemon.call('call.reject', { call }));
  readonly hangup = (call: string) =>
    this.#do((daemon) => daemon.call('call.hangup', { call }, { timeoutMs: CALL_DEADLINE_MS }));
  readonly hold = (call: string, held: boolean) =>
    this.#do((daemon) =>
      held
        ? daemon.call('call.hold', { call }, { timeoutMs: CALL_DEADLINE_MS })
        : daemon.call('call.resume', { call }, { timeoutMs: CALL_DEADLINE_MS }),
    );
  readonly mute = (call: string, muted: boolean) =>
    this.#do((daemon) => daemon.call(muted ? 'call.mute' : 'call.unmute', { call }));
  readonly dtmf = (call: string, digits: string) =>
    this.#do((daemon) => daemon.call('call.dtmf', { call, digits }));
  readonly swap = () =>
    this.#do((daemon) => daemon.call('call.swap', {}, { timeoutMs: CALL_DEADLINE_MS }));
  readonly join = () =>
    this.#do((daemon) => daemon.call('call.join', {}, { timeoutMs: CALL_DEADLINE_MS }));
  readonly leave = (call: string) =>
    this.#do((daemon) => daemon.call('call.leave', { call }, { timeoutMs: CALL_DEADLINE_MS }));
  readonly record = (call: string, action: RecordingAction) =>
    this.#do((daemon) => daemon.call('call.record', { call, action }));
  readonly transfer = (call: string, to: { target: string } | { other: string }) =>
    this.#do((daemon) =>
      daemon.call('call.transfer', { call, ...to }, { timeoutMs: CALL_DEADLINE_MS }),
    );
  readonly move = (call: string) =>
    this.#do((daemon) => daemon.call('call.move', { call }, { timeoutMs: CALL_DEADLINE_MS }));
  readonly useHandset = (mode: 'soft' | 'desk') =>
    this.#do((daemon) => daemon.call('mode.set', { mode }));
  readonly redial = () => this.#do((daemon) => daemon.call('call.redial', {}));
  readonly pickup = ({ target, account }: LampInfo) =>
    this.#do((daemon) => daemon.call('call.pickup', { extension: target, account }));
  readonly message = (to: string, text: string, account?: string) =>
    this.#do((daemon) =>
      daemon.call('message.send', { to, text, account }, { timeoutMs: CALL_DEADLINE_MS }),
    );
  readonly doNotDisturb = (on: boolean) =>
    this.#do((daemon) => daemon.call('settings.doNotDisturb', { on }));
  readonly register = (account: string, wanted: boolean) =>
    this.#do((daemon) =>
      daemon.call(
        wanted ? 'account.register' : 'account.unregister',
        { account },
        { timeoutMs: CALL_DEADLINE_MS },
      ),
    );
  readonly selectDevice = (role: 'input' | 'output' | 'ringer', id: string) =>
    this.#do((daemon) => daemon.call('devices.select', { role, id }));
  readonly load = (list: List) => {
    this.#lists.add(list);
    this.#do((daemon) => this.#fetch(daemon, list));
  };
  readonly tell = (text: string) => this.#put({ type: 'notice', notice: { kind: 'error', text } });
  readonly quit = () => this.#options.onQuit();
  readonly dismiss = () => {
    if (this.#state.notice !== undefined) this.#put({ type: 'notice', notice: undefined });
  };

  async #fetch(daemon: DaemonClient, list: List): Promise<void> {
    switch (list) {
      case 'history': {
        const { calls: history } = await daemon.call('history.list', { limit: MOST_LINES });
        return this.#put({ type: 'loaded', lists: { history } });
      }
      case 'contacts': {
        const { contacts } = await daemon.call('contacts.list', { limit: MOST_LINES });
        return this.#put({ type: 'loaded', lists: { contacts } });
      }
      case 'messages': {
        const { messages } = await daemon.call('messages.list', { limit: MOST_LINES });
        return this.#put({ type: 'loaded', lists: { messages } });
      }
      case 'devices':
        return this.#put({
          type: 'loaded',
          lists: { devices: await daemon.call('devices.list', {}) },
        });
      default:
        return list satisfies never;
    }
  }

  /** What fails is told on the screen, in the daemon's words. */
  #do(work: (daemon: DaemonClient) => Promise<unknown>): void {
    const daemon = this.#daemon;
    if (daemon === undefined) return;
    work(daemon).catch((error: unknown) => {
      if (isOffhookError(error, 'closed')) return;
      this.#put({ type: 'notice', notice: { kind: 'error', text: describeError(error) } });
    });
  }

  #event(name: string, params: unknown): void {
    if (!Object.hasOwn(controlEvents, name)) return;
    const event = name as ControlEventName;
    const parsed = controlEvents[event].params.safeParse(params);
    // A daemon of another version may say what we do not know.
    if (!parsed.success) return;
    this.#put({ type: 'event', event, params: parsed.data } as PhoneInput);
    if (event === 'call.ended' && this.#lists.has('history')) this.load('history');
  }

  #lost(error: unknown): void {
    if (this.#closed) return;
    this.#daemon = undefined;
    const reason = error === undefined ? 'connection closed' : describeError(error);
    this.#put({ type: 'lost', reason });
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(RETRY_MS, () => void this.start());
  }

  #put(input: PhoneInput): void {
    const next = reduce(this.#state, input);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}
