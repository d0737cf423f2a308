import type { Connection, CtiEvent, ServiceRequest, ServiceResult } from '@offhook/cti-bridge';
import { until } from '@offhook/test-sipp';
import type { PhoneName, Rig } from './rig.ts';

const WITHIN = 5000;

/** The suite's view of a rig: what happened, and who is in which state. */
export class Scene {
  readonly events: CtiEvent[] = [];
  readonly #rig: Rig;
  readonly #stop: () => void;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#stop = rig.bridge.on('event', (event) => this.events.push(event));
  }

  request(request: ServiceRequest): Promise<ServiceResult> {
    return this.#rig.bridge.request(request);
  }

  /** Waits for a connection of the device in that state, in that call if one is given. */
  at(device: string, state: Connection['state'], call?: string): Promise<Connection> {
    return until(
      `${device} to be ${state}`,
      () =>
        this.#rig.bridge
          .connectionsOf(device)
          .find((one) => one.state === state && (call === undefined || one.call === call)),
      { within: WITHIN, seen: () => this.describe() },
    );
  }

  event(type: CtiEvent['type'], fits: (event: CtiEvent) => boolean = () => true) {
    return until(
      `a ${type} event`,
      () => this.events.find((event) => event.type === type && fits(event)),
      { within: WITHIN, seen: () => this.describe() },
    );
  }

  /** The types of the events about a device's connections, in order. */
  typesOf(device: string): readonly string[] {
    return this.events
      .filter(
        ({ connection, type }) => connection?.device === device && type !== 'connectionChanged',
      )
      .map(({ type }) => type);
  }

  /** Two phones in a call that was dialled at the first one's keys. */
  async talking(
    from: PhoneName,
    to: PhoneName,
  ): Promise<{ caller: Connection; called: Connection }> {
    const { phones } = this.#rig;
    phones[from].dial(to);
    phones[to].answer(await phones[to].leg('ringing'));
    const caller = await this.at(from, 'connected');
    const called = await this.at(to, 'connected');
    return { caller, called };
  }

  /** Alice holds a call with Bob and talks with Carol, by her own keys where the bridge cannot. */
  async consulting(): Promise<{ held: Connection; active: Connection; far: Connection[] }> {
    const { phones, bridge } = this.#rig;
    const { caller, called } = await this.talking('alice', 'bob');
    const able = bridge.device('alice')?.capabilities ?? [];
    if (able.includes('consultationCall')) {
      await this.request({
        service: 'consultationCall',
        params: { connection: caller.id, to: 'carol' },
      });
    } else {
      phones.alice.hold(await phones.alice.leg('up'));
      await this.at('alice', 'hold');
      phones.alice.dial('carol');
    }
    phones.carol.answer(await phones.carol.leg('ringing'));
    const far = await this.at('carol', 'connected');
    const active = await this.at('alice', 'connected', far.call);
    const held = await this.at('alice', 'hold', called.call);
    return { held, active, far: [called, far] };
  }

  /** Everybody hangs up, and the bridge has seen it. */
  async quiet(): Promise<void> {
    const { phones, bridge } = this.#rig;
    for (const phone of Object.values(phones)) {
      for (const leg of phone.legs) phone.hangUp(leg);
    }
    await until('the end of every call', () => bridge.calls().length === 0, {
      within: WITHIN,
      seen: () => this.describe(),
    });
    this.#stop();
  }

  describe(): string {
    const { connections } = this.#rig.bridge.snapshot();
    const now = connections.map((one) => `${one.device ?? '?'} ${one.state} in ${one.call}`);
    const past = this.events.slice(-12).map((one) => `${one.type} ${one.connection?.device ?? ''}`);
    return `now: ${now.join('; ') || 'no calls'}; events: ${past.join(', ')}`;
  }
}
