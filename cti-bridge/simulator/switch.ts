/** As a line of the phone's display shows it. */
export type LegState = 'calling' | 'ringing' | 'up' | 'held' | 'over';

type SimState = 'initiated' | 'alerting' | 'connected' | 'hold' | 'null';

/** A connection of the simulated switch, which is also a line of the phone's display. */
export class SimLeg {
  call: SimCall;
  readonly device: string;
  now: SimState;
  status = 0;

  constructor(call: SimCall, device: string, now: SimState) {
    this.call = call;
    this.device = device;
    this.now = now;
    call.legs.push(this);
  }

  get state(): LegState {
    if (this.now === 'null') return 'over';
    if (this.now === 'hold') return 'held';
    if (this.now === 'alerting') return 'ringing';
    const talks = this.call.legs.some((leg) => leg !== this && leg.now !== 'alerting');
    return talks ? 'up' : 'calling';
  }
}

export interface SimCall {
  id: string;
  legs: SimLeg[];
}

/** An event as it is to be told: its element and what is in it, and whose monitors hear of it. */
export interface SimEvent {
  readonly name: string;
  readonly content: SimContent;
  readonly devices: readonly string[];
}
export type SimContent = {
  readonly [name: string]: string | SimContent | readonly SimContent[];
};

/**
 * A switch of a few phones that behaves as ECMA-269 describes it: states and events of connections,
 * a new call id at every transfer and conference. What it speaks is somebody else's business.
 */
export class SimSwitch {
  readonly phones: Readonly<Record<string, SimPhone>>;
  readonly #tell: (event: SimEvent) => void;
  #nextCall = 1;

  constructor(names: readonly string[], tell: (event: SimEvent) => void) {
    this.#tell = tell;
    this.phones = Object.fromEntries(names.map((name) => [name, new SimPhone(this, name)]));
  }

  dial(from: SimPhone, to: string, cause = 'newCall'): SimLeg {
    const leg = new SimLeg(this.#newCall(), from.name, 'initiated');
    from.add(leg);
    this.#event('ServiceInitiatedEvent', leg, { initiatedConnection: id(leg) });
    leg.now = 'connected';
    const called = { callingDevice: device(from.name), calledDevice: device(to) };
    this.#event('OriginatedEvent', leg, { originatedConnection: id(leg), ...called, cause });
    this.#ring(leg, to);
    return leg;
  }

  answer(leg: SimLeg): void {
    const phone = this.phones[leg.device];
    for (const other of phone?.legs ?? []) {
      if (other !== leg && other.now === 'connected') this.hold(other);
    }
    leg.now = 'connected';
    const answering = { answeringDevice: device(leg.device), cause: 'normal' };
    this.#event('EstablishedEvent', leg, { establishedConnection: id(leg), ...answering });
  }

  hold(leg: SimLeg): void {
    leg.now = 'hold';
    this.#event('HeldEvent', leg, { heldConnection: id(leg), holdingDevice: device(leg.device) });
  }

  retrieve(leg: SimLeg): void {
    leg.now = 'connected';
    const retrieving = { retrievingDevice: device(leg.device) };
    this.#event('RetrievedEvent', leg, { retrievedConnection: id(leg), ...retrieving });
  }

  /** Somebody hangs up; who rings is busy. */
  clear(leg: SimLeg): void {
    const { call } = leg;
    if (leg.now === 'null') return;
    if (leg.now === 'alerting') this.#failed(leg, 'busy');
    this.#drop(leg, 'normalClearing');
    const rest = call.legs.filter(({ now }) => now !== 'null');
    if (rest.length === 1) for (const other of rest) this.#drop(other, 'normalClearing');
  }

  transfer(held: SimLeg, active: SimLeg): void {
    this.#join('TransferedEvent', 'transferringDevice', 'transferredConnections', held, active);
  }

  conference(held: SimLeg, active: SimLeg): void {
    this.#join('ConferencedEvent', 'conferencingDevice', 'conferenceConnections', held, active);
    held.now = 'connected';
  }

  transferTo(leg: SimLeg, to: string): void {
    const { call } = leg;
    const old = id(leg);
    leg.now = 'null';
    const list = this.#renumber([call], [leg]);
    const devices = call.legs.map((one) => one.device);
    this.#broadcast(devices, 'TransferedEvent', {
      primaryOldCall: old,
      transferringDevice: device(leg.device),
      transferredConnections: { connectionListItem: list },
      cause: 'singleStepTransfer',
    });
    const [far] = call.legs.filter(({ now }) => now !== 'null');
    if (far !== undefined) this.#ring(far, to);
  }

  divert(leg: SimLeg, to: string, cause: string): SimLeg | undefined {
    const caller = leg.call.legs.find((one) => one !== leg && one.now === 'connected');
    this.#event('DivertedEvent', leg, {
      connection: id(leg),
      divertingDevice: device(leg.device),
      newDestination: device(to),
      cause,
    });
    leg.now = 'null';
    return caller === undefined ? undefined : this.#ring(caller, to);
  }

  digits(leg: SimLeg, digits: string): void {
    for (const other of leg.call.legs) {
      if (other !== leg) this.phones[other.device]?.digits.push(digits);
    }
    this.#event('DigitsGeneratedEvent', leg, { connection: id(leg), digitGeneratedList: digits });
  }

  feature(name: string, owner: string, content: SimContent): void {
    this.#tell({ name, content: { device: device(owner), ...content }, devices: [owner] });
  }

  leg(callID: string, owner: string): SimLeg | undefined {
    return this.phones[owner]?.legs.find((leg) => leg.call.id === callID);
  }

  #newCall(): SimCall {
    return { id: `c${this.#nextCall++}`, legs: [] };
  }

  #ring(caller: SimLeg, to: string): SimLeg | undefined {
    const wanted = this.phones[to];
    const phone = this.phones[wanted?.forwardedTo ?? to];
    if (phone === undefined) return undefined;
    const leg = new SimLeg(caller.call, phone.name, 'alerting');
    if (phone.doNotDisturb) {
      this.#failed(leg, 'doNotDisturb');
      this.#drop(leg, 'doNotDisturb');
      caller.status = 486;
      this.#drop(caller, 'doNotDisturb');
      return undefined;
    }
    phone.add(leg);
    const devices = { alertingDevice: device(phone.name), callingDevice: device(caller.device) };
    this.#event('DeliveredEvent', leg, { connection: id(leg), ...devices, cause: 'newCall' });
    return leg;
  }

  #failed(leg: SimLeg, cause: string): void {
    const failing = { failingDevice: device(leg.device), cause };
    this.#event('FailedEvent', leg, { failedConnection: id(leg), ...failing });
  }

  #drop(leg: SimLeg, cause: string): void {
    leg.now = 'null';
    const releasing = { releasingDevice: device(leg.device), cause };
    this.#event('ConnectionClearedEvent', leg, { droppedConnection: id(leg), ...releasing });
  }

  #join(name: string, by: string, listName: string, held: SimLeg, active: SimLeg): void {
    const old = { primaryOldCall: id(held), secondaryOldCall: id(active) };
    const calls = [held.call, active.call];
    const devices = calls.flatMap(({ legs }) => legs.map((leg) => leg.device));
    active.now = 'null';
    if (name === 'TransferedEvent') held.now = 'null';
    const list = this.#renumber(calls, name === 'TransferedEvent' ? [held, active] : [active]);
    this.#broadcast(devices, name, {
      ...old,
      [by]: device(held.device),
      [listName]: { connectionListItem: list },
      cause: name === 'TransferedEvent' ? 'transfer' : 'conference',
    });
  }

  /** Puts what is left of these calls into a new one, and says which connection became which. */
  #renumber(calls: readonly SimCall[], without: readonly SimLeg[]): SimContent[] {
    const next = this.#newCall();
    return calls.flatMap((call) =>
      call.legs
        .filter((leg) => !without.includes(leg) && leg.now !== 'null')
        .map((leg) => {
          const before = id(leg);
          leg.call = next;
          next.legs.push(leg);
          return { newConnection: id(leg), oldConnection: before };
        }),
    );
  }

  #event(name: string, leg: SimLeg, content: SimContent): void {
    this.#broadcast(
      leg.call.legs.filter((one) => one === leg || one.now !== 'null').map((one) => one.device),
      name,
      content,
    );
  }

  #broadcast(devices: readonly string[], name: string, content: SimContent): void {
    this.#tell({ name, content, devices: [...new Set(devices)] });
  }
}

export class SimPhone {
  readonly name: string;
  messageWaiting = false;
  doNotDisturb = false;
  forwardedTo: string | undefined;
  readonly digits: string[] = [];
  readonly #switch: SimSwitch;
  #legs: SimLeg[] = [];

  constructor(owner: SimSwitch, name: string) {
    this.#switch = owner;
    this.name = name;
  }

  get legs(): readonly SimLeg[] {
    this.#legs = this.#legs.filter(({ now }) => now !== 'null');
    return this.#legs;
  }

  add(leg: SimLeg): void {
    this.#legs.push(leg);
  }

  dial(to: string): SimLeg {
    return this.#switch.dial(this, to);
  }

  answer(leg: SimLeg): void {
    this.#switch.answer(leg);
  }

  hangUp(leg: SimLeg): void {
    this.#switch.clear(leg);
  }

  hold(leg: SimLeg): void {
    this.#switch.hold(leg);
  }

  retrieve(leg: SimLeg): void {
    this.#switch.retrieve(leg);
  }

  transfer(held: SimLeg, active: SimLeg): void {
    this.#switch.transfer(held, active);
  }
}

export function id(leg: SimLeg) {
  return { callID: leg.call.id, deviceID: leg.device };
}

function device(name: string) {
  return { deviceIdentifier: name };
}
