import type { Bridge } from '@offhook/cti-bridge';

export const PHONES = ['alice', 'bob', 'carol', 'dave'] as const;
export type PhoneName = (typeof PHONES)[number];

export type LegState = 'calling' | 'ringing' | 'up' | 'held' | 'over';

/** One line of a phone's display. */
export interface TestLeg {
  readonly state: LegState;
  /** Status of a call that was refused. */
  readonly status: number;
}

/** What the suite does at a phone's own keys, to see what the bridge makes of it. */
export interface TestPhone {
  readonly legs: readonly TestLeg[];
  readonly messageWaiting: boolean;
  /** What it was sent as DTMF. */
  readonly digits: readonly string[];
  leg(state: LegState, within?: number): Promise<TestLeg>;
  idle(within?: number): Promise<void>;
  dial(to: string): TestLeg;
  answer(leg: TestLeg): void;
  hangUp(leg: TestLeg): void;
  hold(leg: TestLeg): void;
  retrieve(leg: TestLeg): void;
  transfer(held: TestLeg, active: TestLeg): void;
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
