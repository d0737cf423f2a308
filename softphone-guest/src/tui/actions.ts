/** What a person at the screen can do; failures come back as a notice. */
export interface PhoneActions {
  dial(target: string): void;
  answer(call: string): void;
  reject(call: string): void;
  hangup(call: string): void;
  hold(call: string, held: boolean): void;
  mute(call: string, muted: boolean): void;
  dtmf(call: string, digits: string): void;
  swap(): void;
  /** To a target, or to the other party of the second call. */
  transfer(call: string, to: { target: string } | { other: string }): void;
  redial(): void;
  doNotDisturb(on: boolean): void;
  /** Takes the notice away. */
  dismiss(): void;
}
