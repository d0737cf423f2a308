import type { LegState, SimLeg, SimPhone } from '@offhook/cti-bridge/simulator';
import { until } from '@offhook/test-sipp';
import type { TestPhone } from '../rig.ts';

/** A phone of the simulated switch, with somebody who looks at it. */
export class WatchedPhone implements TestPhone {
  readonly #phone: SimPhone;

  constructor(phone: SimPhone) {
    this.#phone = phone;
  }

  get legs(): readonly SimLeg[] {
    return this.#phone.legs;
  }

  get messageWaiting(): boolean {
    return this.#phone.messageWaiting;
  }

  get digits(): readonly string[] {
    return this.#phone.digits;
  }

  leg(state: LegState, within = 3000): Promise<SimLeg> {
    return until(
      `${this.#phone.name} to have a call ${state}`,
      () => this.legs.find((leg) => leg.state === state),
      { within, seen: () => this.legs.map((leg) => leg.state).join(', ') },
    );
  }

  async idle(within = 3000): Promise<void> {
    await until(`${this.#phone.name} to be idle`, () => this.legs.length === 0, { within });
  }

  dial(to: string): SimLeg {
    return this.#phone.dial(to);
  }

  answer(leg: SimLeg): void {
    this.#phone.answer(leg);
  }

  hangUp(leg: SimLeg): void {
    this.#phone.hangUp(leg);
  }

  hold(leg: SimLeg): void {
    this.#phone.hold(leg);
  }

  retrieve(leg: SimLeg): void {
    this.#phone.retrieve(leg);
  }

  transfer(held: SimLeg, active: SimLeg): void {
    this.#phone.transfer(held, active);
  }
}
