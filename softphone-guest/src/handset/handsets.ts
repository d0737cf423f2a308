import { Emitter, OffhookError } from '@offhook/common';
import type { CallManagerEvents } from '../call/call-manager.ts';
import type { CallHistory } from '../call/history.ts';
import type { Call, Place } from '../call/model.ts';
import type { DeskHandset } from '../desk/desk-handset.ts';
import type { Handset, PhoneCall } from './handset.ts';
import type { SoftHandset } from './soft-handset.ts';

export interface HandsetsEvents extends CallManagerEvents {
  /** Which handset is used, or how the desk phone fares. */
  mode: undefined;
}

export interface HandsetsParts {
  readonly soft: SoftHandset;
  readonly softEvents: Emitter<CallManagerEvents>;
  /** Absent where there is no `[desk]`. */
  readonly desk: DeskHandset | undefined;
  readonly history: CallHistory;
  /** Outlives the daemon. */
  readonly memory: { get(): string | undefined; set(mode: Place): void };
}

/**
 * The person's handsets with one list of calls, and the one that is used. What is dialled goes to the
 * one in use; a call is worked at the one that has it.
 */
export class Handsets {
  readonly events = new Emitter<HandsetsEvents>();
  readonly soft: SoftHandset;
  readonly desk: DeskHandset | undefined;
  readonly history: CallHistory;
  readonly #memory: HandsetsParts['memory'];
  #mode: Place;

  constructor({ soft, softEvents, desk, history, memory }: HandsetsParts) {
    this.soft = soft;
    this.desk = desk;
    this.history = history;
    this.#memory = memory;
    this.#mode = desk !== undefined && memory.get() === 'desk' ? 'desk' : 'soft';
    for (const source of [softEvents, ...(desk === undefined ? [] : [desk.events])]) {
      source.on('changed', (call) => this.events.emit('changed', call));
      source.on('ended', (entry) => this.events.emit('ended', entry));
      source.on('dtmf', (event) => this.events.emit('dtmf', event));
    }
    desk?.events.on('status', () => this.events.emit('mode', undefined));
  }

  get mode(): Place {
    return this.#mode;
  }

  /** @throws OffhookError `no-desk-phone` (layer `call`) */
  setMode(mode: Place): void {
    if (mode === 'desk') this.requireDesk();
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#memory.set(mode);
    this.events.emit('mode', undefined);
  }

  /** The one in use. */
  get current(): Handset {
    return this.#mode === 'desk' && this.desk !== undefined ? this.desk : this.soft;
  }

  /** The one that has the call. */
  of({ call }: PhoneCall): Handset {
    return call.place === 'desk' && this.desk !== undefined ? this.desk : this.soft;
  }

  /** @throws OffhookError `no-desk-phone` (layer `call`) */
  requireDesk(): DeskHandset {
    if (this.desk !== undefined) return this.desk;
    throw new OffhookError('call', 'no-desk-phone', 'no desk phone is configured', {
      remedy: 'say in [desk] of the configuration which one it is',
    });
  }

  /** Calls that are not over, oldest first. */
  list(): readonly PhoneCall[] {
    const desk = this.desk?.list() ?? [];
    const soft = this.soft.list();
    if (desk.length === 0) return soft;
    return [...soft, ...desk].toSorted((a, b) => a.call.startedAt - b.call.startedAt);
  }

  /** Whom the person called last. @throws OffhookError `unknown-call` when that was nobody. */
  get lastDialled(): Call {
    const calls = [
      ...this.list()
        .map(({ call }) => call)
        .toReversed(),
      ...this.history.list().map(({ call }) => call),
    ];
    const last = calls.find((call) => call.direction === 'outgoing');
    if (last !== undefined) return last;
    throw new OffhookError('call', 'unknown-call', 'nobody has been called yet');
  }
}
