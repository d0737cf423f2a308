import type { Bridge } from '@offhook/cti-bridge';
import type { Leg, LegState } from './phone/desk-phone.ts';

export const PHONES = ['alice', 'bob', 'carol', 'dave'] as const;
export type PhoneName = (typeof PHONES)[number];

/** What the suite does at a phone's own keys, to see what the bridge makes of it. */
export interface TestPhone {
  readonly legs: readonly Leg[];
  readonly messageWaiting: boolean;
  /** What it was sent as DTMF. */
  readonly digits: readonly string[];
  leg(state: LegState, within?: number): Promise<Leg>;
  idle(within?: number): Promise<void>;
  dial(to: string): Leg;
  answer(leg: Leg): void;
  hangUp(leg: Leg): void;
  hold(leg: Leg): void;
  retrieve(leg: Leg): void;
  transfer(held: Leg, active: Leg): void;
}

/** An adapter with four phones, which the suite finds by those names and numbers. */
export interface Rig {
  readonly bridge: Bridge;
  readonly phones: Readonly<Record<PhoneName, TestPhone>>;
  /** A number at which something answers at once. */
  readonly service: string;
  /** The device of a queue, and the number that leads into it. */
  readonly queue?: { readonly device: string; readonly number: string };
  close(): Promise<void>;
}
