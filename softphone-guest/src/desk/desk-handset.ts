import { OffhookError } from '@offhook/common';
import type { Device } from '@offhook/cti-bridge/client';
import type { Line } from '../call/call-manager.ts';
import { dialTarget, userOf } from '../call/dial-target.ts';
import { isActive, isOver } from '../call/model.ts';
import type { GuestConfig } from '../config.ts';
import { featureCode } from '../handset/feature-code.ts';
import type { Handset, TransferUnderWay } from '../handset/handset.ts';
import { requireAbility, whyNot, type DeskCommand } from './abilities.ts';
import type { DeskCall } from './desk-call.ts';
import { uriOfNumber } from './desk-calls.ts';
import type { DeskLine } from './desk-line.ts';

export interface DeskHandsetParts {
  readonly line: DeskLine;
  readonly codes: GuestConfig['codes'];
  /** Completes what is dialled. */
  readonly domain: string;
  /** What the number rules make of what somebody dials. @throws OffhookError `blocked` */
  readonly decide: (target: string) => string;
}

/** A call that was picked up is there then. */
const CALL_WITHIN_MS = 3000;
/** What `generateDigits` takes at once. */
const DIGITS_AT_ONCE = 32;

/** The hardware phone on the desk, worked by CSTA's services. */
export class DeskHandset implements Handset {
  readonly place = 'desk';
  readonly line: DeskLine;
  readonly #codes: GuestConfig['codes'];
  readonly #domain: string;
  readonly #decide: DeskHandsetParts['decide'];

  constructor(parts: DeskHandsetParts) {
    this.line = parts.line;
    this.#codes = parts.codes;
    this.#domain = parts.domain;
    this.#decide = parts.decide;
  }

  get events(): DeskLine['events'] {
    return this.line.events;
  }

  /** As the bridge last told of it; undefined where it never has. */
  get known(): Device | undefined {
    return this.line.known;
  }

  list(): readonly DeskCall[] {
    return this.line.list();
  }

  async dial(_line: Line, target: string): Promise<DeskCall> {
    const device = this.#able('dial');
    // The number rules have been asked already.
    const to = this.#plainNumberOf(target);
    const active = this.list().find(({ call }) => isActive(call));
    if (active === undefined) return this.#call(to);
    const connection = active.connection.id;
    if (device.capabilities.includes('consultationCall')) {
      return this.line.make('consultationCall', { connection, to });
    }
    // A phone that takes a second call holds the first one by itself, where it cannot be told to.
    if (whyNot(device, 'hold') === undefined) await this.line.request('holdCall', { connection });
    return this.#call(to);
  }

  async answer(id: string): Promise<void> {
    const { connection } = this.#one(id, 'answer');
    await this.line.request('answerCall', { connection: connection.id });
  }

  async reject(id: string): Promise<void> {
    await this.#clear(this.#one(id, 'reject'));
  }

  async redirect(id: string, [target = '']: readonly string[]): Promise<void> {
    const call = this.#one(id, 'redirect');
    const to = this.#numberOf(target);
    await this.line.request('deflectCall', { connection: call.connection.id, to });
  }

  async hangup(id: string): Promise<void> {
    await this.#clear(this.#one(id, 'hangup'));
  }

  async hold(id: string): Promise<void> {
    const { connection, call } = this.#one(id, 'hold');
    if (!call.hold.inForce) await this.line.request('holdCall', { connection: connection.id });
  }

  async resume(id: string): Promise<void> {
    const held = this.#one(id, 'resume');
    if (!held.call.hold.inForce) return;
    const active = this.list().find(({ call }) => isActive(call));
    if (active === undefined) {
      await this.line.request('retrieveCall', { connection: held.connection.id });
    } else {
      this.#able('swap');
      await this.#alternate(held, active);
    }
  }

  async swap(): Promise<DeskCall> {
    const held = this.list().filter(({ call }) => call.hold.inForce);
    const [only] = held;
    if (only === undefined || held.length > 1) {
      throw new OffhookError('call', 'wrong-state', `there are ${held.length} calls on hold`, {
        ...(held.length > 1 && { remedy: 'resume the one that is meant' }),
      });
    }
    await this.resume(only.id);
    return only;
  }

  async mute(id: string): Promise<void> {
    this.#one(id, 'mute');
  }

  async record(id: string): Promise<void> {
    this.#one(id, 'record');
  }

  async dtmf(id: string, digits: string): Promise<void> {
    const connection = this.#one(id, 'dtmf').connection.id;
    for (let at = 0; at < digits.length; at += DIGITS_AT_ONCE) {
      const some = digits.slice(at, at + DIGITS_AT_ONCE);
      await this.line.request('generateDigits', { connection, digits: some });
    }
  }

  async transfer(id: string, target: string): Promise<TransferUnderWay> {
    const call = this.#one(id, 'transfer');
    const to = this.#numberOf(target);
    return this.#handOn([call], to, () =>
      this.line.request('singleStepTransfer', { connection: call.connection.id, to }),
    );
  }

  async attended(id: string, other: string): Promise<TransferUnderWay> {
    const { held, active } = this.#pair(id, other, 'attended');
    const to = userOf((active.id === other ? active : held).call.remote.uri);
    return this.#handOn([held, active], to, () =>
      this.line.request('transferCall', {
        held: held.connection.id,
        active: active.connection.id,
      }),
    );
  }

  async join(ids: readonly string[]): Promise<readonly DeskCall[]> {
    const [first, second, ...more] = ids;
    if (first === undefined || second === undefined || more.length > 0) {
      throw new OffhookError(
        'call',
        'wrong-state',
        'a conference at the desk phone is of two calls',
      );
    }
    const { held, active } = this.#pair(first, second, 'join');
    await this.line.request('conferenceCall', {
      held: held.connection.id,
      active: active.connection.id,
    });
    return this.list().filter(({ call }) => call.conference !== undefined);
  }

  async leave(id: string): Promise<void> {
    this.#one(id, 'leave');
  }

  async park(id: string): Promise<TransferUnderWay> {
    const call = this.#one(id, 'park');
    this.line.ends(call);
    const { parkedAt = '' } = await this.line.request('parkCall', {
      connection: call.connection.id,
    });
    const reason = `parked at ${parkedAt}`;
    this.line.transferring(call, { to: parkedAt, state: 'succeeded', status: 200, reason });
    return { done: Promise.resolve({ state: 'succeeded', status: 200, reason }) };
  }

  /** Of a phone whose calls the token shows, as a service; else by feature code. */
  async pickup(line: Line, extension: string | undefined): Promise<DeskCall> {
    if (extension === undefined) {
      return this.dial(line, featureCode(this.#codes.group_pickup, 'group_pickup'));
    }
    const device = this.line.device;
    const from = this.#numberOf(extension);
    const ringing = this.line.mirror.connectionsOf(from).find(({ state }) => state === 'alerting');
    if (ringing === undefined || whyNot(device, 'pickup') !== undefined) {
      const code = this.#codes.pickup;
      if (code === undefined) this.#able('pickup');
      return this.dial(line, featureCode(code, 'pickup', from));
    }
    const known = new Set(this.list().map(({ id }) => id));
    await this.line.request('directedPickup', { connection: ringing.id, device: device.id });
    const look = () => this.list().find(({ id }) => !known.has(id));
    const taken = await this.line.until(look, CALL_WITHIN_MS);
    if (taken !== undefined) return taken;
    throw new OffhookError('call', 'timeout', `the call of ${from} has not come to the desk phone`);
  }

  async retrieve(line: Line, slot: string): Promise<DeskCall> {
    return this.dial(line, featureCode(this.#codes.retrieve ?? '{extension}', 'retrieve', slot));
  }

  async setDoNotDisturb(on: boolean): Promise<void> {
    const device = this.#able('disturb');
    await this.line.request('setDoNotDisturb', { device: device.id, on });
  }

  /** What is left out is taken back, where it was set. */
  async setForwarding(targets: {
    always?: string | undefined;
    busy?: string | undefined;
    noAnswer?: string | undefined;
  }): Promise<void> {
    const device = this.#able('forward');
    const wanted = {
      immediate: targets.always,
      busy: targets.busy,
      noAnswer: targets.noAnswer,
    } as const;
    for (const type of ['immediate', 'busy', 'noAnswer'] as const) {
      const target = wanted[type];
      const to = target === undefined ? null : this.#numberOf(target);
      const now = device.forwarding?.find((one) => one.type === type)?.to ?? null;
      if (to !== now) await this.line.request('setForwarding', { device: device.id, type, to });
    }
  }

  #able(command: DeskCommand): Device {
    const device = this.line.device;
    requireAbility(device, command);
    return device;
  }

  #one(id: string, command: DeskCommand): DeskCall {
    const call = this.line.get(id);
    this.#able(command);
    return call;
  }

  #call(to: string): Promise<DeskCall> {
    return this.line.make('makeCall', { device: this.line.device.id, to });
  }

  async #clear(call: DeskCall): Promise<void> {
    this.line.ends(call);
    try {
      await this.line.request('clearConnection', { connection: call.connection.id });
    } catch (error) {
      // Somebody else was quicker.
      if (!isOver(call.call)) throw error;
    }
  }

  async #alternate(held: DeskCall, active: DeskCall): Promise<void> {
    await this.line.request('alternateCall', {
      held: held.connection.id,
      active: active.connection.id,
    });
  }

  #pair(id: string, other: string, command: DeskCommand): { held: DeskCall; active: DeskCall } {
    const both = [this.#one(id, command), this.line.get(other)];
    const held = both.find(({ call }) => call.hold.inForce);
    const active = both.find((one) => one !== held);
    if (held !== undefined && active !== undefined && !active.call.hold.inForce) {
      return { held, active };
    }
    throw new OffhookError('call', 'wrong-state', 'one of the calls has to be on hold', {
      remedy: 'hold one, and talk on the other',
    });
  }

  async #handOn(
    calls: readonly DeskCall[],
    number: string,
    work: () => Promise<unknown>,
  ): Promise<TransferUnderWay> {
    const to = uriOfNumber(number, this.#domain);
    const [first] = calls;
    this.line.ends(...calls);
    try {
      await work();
    } catch (error) {
      if (first !== undefined && !isOver(first.call)) {
        const reason = error instanceof OffhookError ? error.message : '';
        this.line.transferring(first, { to, state: 'failed', status: 0, reason });
      }
      throw error;
    }
    return { done: Promise.resolve({ state: 'succeeded', status: 200, reason: '' }) };
  }

  /** What the phone is to dial; the rest of a SIP URI is the PBX's to know. */
  #numberOf(target: string): string {
    return this.#plainNumberOf(this.#decide(target));
  }

  #plainNumberOf(target: string): string {
    const number = userOf(dialTarget(target, this.#domain));
    if (/^[0-9A-Za-z*#+._-]{1,64}$/.test(number)) return number;
    throw new OffhookError('call', 'bad-target', `the desk phone cannot dial ${target}`, {
      remedy: 'dial a number or a name of the PBX',
    });
  }
}
