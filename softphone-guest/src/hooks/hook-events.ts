import type { ControlEventName, ControlEvents } from '../control/api.ts';
import type { CallInfo } from '../control/schemas.ts';

/** What a command can be run for. */
export const hookEvents = [
  'call.incoming',
  'call.answered',
  'call.ended',
  'call.missed',
  'registration.changed',
  'engine.changed',
  'message',
  'dtmf',
] as const;

export type HookEvent = (typeof hookEvents)[number];

/** Tells what has happened from what has changed: a call rings once, however often it is announced. */
export class HookEvents {
  /** Last state of each call that is not over. */
  readonly #states = new Map<string, CallInfo['state']>();

  of<E extends ControlEventName>(event: E, params: ControlEvents[E]): readonly HookEvent[] {
    if (event === 'call.changed') return this.#changed(params as ControlEvents['call.changed']);
    if (event === 'call.ended') return this.#ended(params as ControlEvents['call.ended']);
    const named = hookEvents.find((one) => one === event);
    return named === undefined ? [] : [named];
  }

  #changed({ id, state }: CallInfo): readonly HookEvent[] {
    const before = this.#states.get(id);
    if (state === 'ended') return [];
    this.#states.set(id, state);
    if (state === before) return [];
    if (state === 'incoming') return ['call.incoming'];
    return state === 'established' ? ['call.answered'] : [];
  }

  #ended({ id, direction, answeredAt }: CallInfo): readonly HookEvent[] {
    this.#states.delete(id);
    const missed = direction === 'incoming' && answeredAt === null;
    return missed ? ['call.ended', 'call.missed'] : ['call.ended'];
  }
}
