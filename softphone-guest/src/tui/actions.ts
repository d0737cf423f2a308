/** What a person at the screen can do; failures come back as a notice. */
export interface PhoneActions {
  dial(target: string): void;
  answer(call: string): void;
  reject(call: string): void;
  hangup(call: string): void;
  hold(call: string, held: boolean): void;
  mute(call: string, muted: boolean): void;
  dtmf(call: string, digits: string): void;
  /** Takes the notice away. */
  dismiss(): void;
}
