import { Emitter, type EventSource } from '@offhook/common';
import type { CallEnd, CallState, SipCallEvents } from '../../call-api.ts';
import type { Headers } from '../message/headers.ts';
import { parseNameAddr, type NameAddr } from '../message/name-addr.ts';

/** State and events that both kinds of call have. */
export class CallRecord implements EventSource<SipCallEvents> {
  readonly id: string;
  readonly #events: Emitter<SipCallEvents>;
  #state: CallState = 'trying';
  #end: CallEnd | undefined;

  constructor(id: string, onListenerError: (error: unknown) => void) {
    this.id = id;
    this.#events = new Emitter(onListenerError);
  }

  get state(): CallState {
    return this.#state;
  }

  get end(): CallEnd | undefined {
    return this.#end;
  }

  on<K extends keyof SipCallEvents>(
    name: K,
    listener: (event: SipCallEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  emit<K extends keyof SipCallEvents>(name: K, event: SipCallEvents[K]): void {
    this.#events.emit(name, event);
  }

  /** Moves on; the same state again and anything after the end is nothing. */
  enter(state: CallState): void {
    if (this.#state === state || this.#state === 'ended') return;
    this.#state = state;
    this.#events.emit('state', state);
  }

  /** False if the call had ended before. */
  finish(end: CallEnd): boolean {
    if (this.#end !== undefined) return false;
    this.#end = end;
    this.enter('ended');
    this.#events.emit('ended', end);
    this.#events.clear();
    return true;
  }
}

export interface Party {
  readonly uri: string;
  readonly displayName?: string;
}

/** Who the peer is: P-Asserted-Identity (RFC 3325) before From or To. */
export function identityOf(headers: Headers, fallback: NameAddr): Party {
  const asserted = headers.list('p-asserted-identity').map(parseNameAddr);
  const sip = asserted.find((value) => /^sips?:/i.test(value?.uri ?? ''));
  const { uri, displayName } = sip ?? fallback;
  const name = displayName ?? fallback.displayName;
  return { uri, ...(name !== undefined && { displayName: name }) };
}
