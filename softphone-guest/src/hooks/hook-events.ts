import type { z } from 'zod';
import { controlEvents, type ControlEventName, type ControlEvents } from '../control/api.ts';
import type { CallInfo } from '../control/schemas.ts';

/** What a command can be run for. */
export const hookEvents = [
  'call.incoming',
  'call.answered',
  'call.ended',
  'call.missed',
  'call.recording',
  'registration.changed',
  'engine.changed',
  'message',
  'dtmf',
] as const;

export type HookEvent = (typeof hookEvents)[number];

/** What the command gets as `params`. */
export function hookParams(event: HookEvent): z.ZodType {
  const { [event]: same }: Partial<Record<string, { readonly params: z.ZodType }>> = controlEvents;
  return (same ?? controlEvents['call.changed']).params;
}

/** Tells what has happened from what has changed: a call rings once, however often it is announced. */
export class HookEvents {
  /** Last state of each call that is not over. */
  readonly #states = new Map<string, CallInfo['state']>();
  /** Its recordings, likewise. */
  readonly #recordings = new Map<string, string>();

  of<E extends ControlEventName>(event: E, params: ControlEvents[E]): readonly HookEvent[] {
    if (event === 'call.changed') return this.#changed(params as ControlEvents['call.changed']);
    if (event === 'call.ended') return this.#ended(params as ControlEvents['call.ended']);
    const named = hookEvents.find((one) => one === event);
    return named === undefined ? [] : [named];
  }

  #changed(call: CallInfo): readonly HookEvent[] {
    const { id, state } = call;
    const recorded = this.#recorded(call);
    const before = this.#states.get(id);
    if (state === 'ended') return recorded;
    this.#states.set(id, state);
    if (state === before) return recorded;
    if (state === 'incoming') return ['call.incoming'];
    return state === 'established' ? ['call.answered', ...recorded] : recorded;
  }

  /** A recording has begun, was paused, goes on, or has ended. */
  #recorded({ id, recording, recordings }: CallInfo): readonly HookEvent[] {
    const now = JSON.stringify([recording, recordings]);
    const before = this.#recordings.get(id) ?? JSON.stringify([null, []]);
    if (now === before) return [];
    this.#recordings.set(id, now);
    return ['call.recording'];
  }

  #ended({ id, direction, answeredAt }: CallInfo): readonly HookEvent[] {
    this.#states.delete(id);
    this.#recordings.delete(id);
    const missed = direction === 'incoming' && answeredAt === null;
    return missed ? ['call.ended', 'call.missed'] : ['call.ended'];
  }
}
