import { randomUUID } from 'node:crypto';
import { until } from '@offhook/test-sipp';
import type { LegState, TestLeg, TestPhone } from '../rig.ts';

export type CallState = 'DOWN' | 'RINGING' | 'ACTIVE' | 'HELD' | 'HANGUP';

/** A channel, which is also a line of a phone's display. */
export class FakeChannel implements TestLeg {
  readonly uuid: string;
  readonly call: string;
  readonly device: string;
  readonly direction: 'inbound' | 'outbound';
  callState: CallState = 'DOWN';
  /** Bridged with. */
  other: FakeChannel | undefined;
  /** The caller whose call makes it ring. */
  caller: FakeChannel | undefined;
  /** What is to be done with it once it is answered (of `originate`). */
  next: (() => void) | undefined;
  /** It goes when that one goes. */
  listensTo: FakeChannel | undefined;
  status = 0;

  constructor(parts: Pick<FakeChannel, 'device' | 'direction'> & { uuid?: string; call?: string }) {
    this.uuid = parts.uuid ?? randomUUID();
    this.call = parts.call ?? this.uuid;
    this.device = parts.device;
    this.direction = parts.direction;
  }

  get state(): LegState {
    if (this.callState === 'HANGUP') return 'over';
    if (this.callState === 'HELD') return 'held';
    if (this.callState === 'ACTIVE') return 'up';
    return this.direction === 'inbound' ? 'calling' : 'ringing';
  }
}

/** Tells an event with these headers. */
export type TellEvent = (name: string, channel: FakeChannel, more?: Record<string, string>) => void;

/** Phones and channels as FreeSWITCH has them, without FreeSWITCH. */
export class FakeSwitch {
  readonly phones: Readonly<Record<string, FakePhone>>;
  readonly #tell: TellEvent;
  readonly #channels = new Map<string, FakeChannel>();

  constructor(names: readonly string[], tell: TellEvent) {
    this.#tell = tell;
    this.phones = Object.fromEntries(names.map((name) => [name, new FakePhone(this, name)]));
  }

  get channels(): readonly FakeChannel[] {
    return [...this.#channels.values()];
  }

  channel(uuid: string): FakeChannel | undefined {
    return this.#channels.get(uuid);
  }

  begin(parts: ConstructorParameters<typeof FakeChannel>[0]): FakeChannel {
    const channel = new FakeChannel(parts);
    this.#channels.set(channel.uuid, channel);
    this.#tell('CHANNEL_CREATE', channel);
    this.become(channel, 'RINGING');
    return channel;
  }

  become(channel: FakeChannel, state: CallState): void {
    channel.callState = state;
    this.#tell('CHANNEL_CALLSTATE', channel);
  }

  /** The dial plan: names of phones. */
  route(caller: FakeChannel, to: string): void {
    const phone = this.phones[to];
    if (phone === undefined) {
      this.hangUp(caller, 'UNALLOCATED_NUMBER');
      return;
    }
    const leg = this.begin({ device: to, direction: 'outbound', call: caller.call });
    leg.caller = caller;
  }

  answer(channel: FakeChannel): void {
    for (const other of this.phones[channel.device]?.legs ?? []) {
      if (other !== channel && other.callState === 'ACTIVE') this.become(other, 'HELD');
    }
    this.become(channel, 'ACTIVE');
    const { caller, next } = channel;
    channel.caller = undefined;
    if (caller !== undefined) {
      if (caller.callState !== 'HELD') this.become(caller, 'ACTIVE');
      this.bridge(caller, channel);
    }
    next?.();
  }

  /** Who was bridged with either is left without a call, and goes. */
  bridge(one: FakeChannel, two: FakeChannel): void {
    const left = [one.other, two.other].filter(
      (it) => it !== undefined && it !== one && it !== two,
    );
    for (const it of [one, two, ...left]) if (it !== undefined) it.other = undefined;
    one.other = two;
    two.other = one;
    this.#tell('CHANNEL_BRIDGE', one, { 'Other-Leg-Unique-ID': two.uuid });
    for (const it of left) if (it !== undefined) this.hangUp(it, 'NORMAL_CLEARING');
  }

  hangUp(channel: FakeChannel, cause: string): void {
    if (channel.callState === 'HANGUP') return;
    const { other, caller } = channel;
    channel.callState = 'HANGUP';
    channel.status = cause === 'USER_BUSY' || cause === 'CALL_REJECTED' ? 486 : 0;
    this.#channels.delete(channel.uuid);
    this.#tell('CHANNEL_HANGUP', channel, { 'Hangup-Cause': cause });
    for (const one of this.channels) {
      if (one.caller === channel) this.hangUp(one, 'ORIGINATOR_CANCEL');
      if (one.listensTo === channel) this.hangUp(one, 'NORMAL_CLEARING');
    }
    if (other !== undefined) {
      other.other = undefined;
      this.hangUp(other, 'NORMAL_CLEARING');
    }
    if (caller !== undefined && caller.other === undefined) this.hangUp(caller, cause);
  }

  /** `uuid_transfer`: its partner goes, and so does the phone that it lets ring. */
  take(channel: FakeChannel): void {
    const { other } = channel;
    channel.other = undefined;
    if (other !== undefined) {
      other.other = undefined;
      this.hangUp(other, 'NORMAL_CLEARING');
    }
    for (const one of this.channels) {
      if (one.caller !== channel) continue;
      one.caller = undefined;
      this.hangUp(one, 'LOSE_RACE');
    }
  }
}

class FakePhone implements TestPhone {
  readonly name: string;
  readonly digits: string[] = [];
  messageWaiting = false;
  readonly #switch: FakeSwitch;

  constructor(owner: FakeSwitch, name: string) {
    this.#switch = owner;
    this.name = name;
  }

  get legs(): readonly FakeChannel[] {
    return this.#switch.channels.filter(({ device }) => device === this.name);
  }

  leg(state: LegState, within = 3000): Promise<FakeChannel> {
    return until(
      `${this.name} to have a call ${state}`,
      () => this.legs.find((leg) => leg.state === state),
      { within, seen: () => this.legs.map((leg) => leg.state).join(', ') },
    );
  }

  async idle(within = 3000): Promise<void> {
    await until(`${this.name} to be idle`, () => this.legs.length === 0, { within });
  }

  dial(to: string): FakeChannel {
    for (const leg of this.legs) if (leg.callState === 'ACTIVE') this.hold(leg);
    const channel = this.#switch.begin({ device: this.name, direction: 'inbound' });
    this.#switch.route(channel, to);
    return channel;
  }

  answer(leg: FakeChannel): void {
    this.#switch.answer(leg);
  }

  hangUp(leg: FakeChannel): void {
    this.#switch.hangUp(leg, leg.state === 'ringing' ? 'USER_BUSY' : 'NORMAL_CLEARING');
  }

  hold(leg: FakeChannel): void {
    this.#switch.become(leg, 'HELD');
  }

  retrieve(leg: FakeChannel): void {
    this.#switch.become(leg, 'ACTIVE');
  }

  transfer(held: FakeChannel, active: FakeChannel): void {
    const [one, two] = [held.other, active.other];
    if (one !== undefined && two !== undefined) this.#switch.bridge(one, two);
  }
}
