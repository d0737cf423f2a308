import { Emitter, ManualClock, OffhookError, silentLogger } from '@offhook/common';
import {
  Mirror,
  type Connection,
  type CtiEvent,
  type Device,
  type ServiceResult,
} from '@offhook/cti-bridge';
import type { CtiClientEvents } from '@offhook/cti-bridge/client';
import { CallHistory } from '../../src/call/history.ts';
import { DeskHandset } from '../../src/desk/desk-handset.ts';
import { DeskLine, type DeskClient } from '../../src/desk/desk-line.ts';

/** A bridge in memory: what it is asked is written down, what it tells is the test's to say. */
class FakeBridge {
  readonly events = new Emitter<CtiClientEvents>();
  readonly mirror = new Mirror();
  readonly asked: string[] = [];
  connected = false;
  /** What services bring about. */
  answer: (service: string, params: object) => ServiceResult | OffhookError = () => ({});
  #seq = 1;

  readonly client: DeskClient;

  constructor() {
    const isConnected = () => this.connected;
    this.client = {
      mirror: this.mirror,
      get connected() {
        return isConnected();
      },
      on: (name, listener) => this.events.on(name, listener),
      request: (service, params) => {
        this.asked.push(`${service} ${JSON.stringify(params)}`);
        const answer = this.answer(service, params);
        return answer instanceof OffhookError ? Promise.reject(answer) : Promise.resolve(answer);
      },
      close: () => undefined,
    };
  }

  /** It is there, with a snapshot. */
  come(devices: readonly Device[], connections: readonly Connection[] = []): void {
    this.connected = true;
    this.mirror.reset({ devices: [...devices], connections: [...connections] });
    this.events.emit('reset', undefined);
    this.events.emit('state', { state: 'connected' });
  }

  go(reason = 'the bridge is gone', code = 'bridge-unreachable'): void {
    this.connected = false;
    this.events.emit('state', { state: 'disconnected', reason, code });
  }

  tell(type: CtiEvent['type'], ...connections: readonly Connection[]): void {
    for (const connection of connections) {
      const { call, cause } = connection;
      const event: CtiEvent = { type, cause, at: connection.since, call, connection };
      this.mirror.apply(event);
      const known = this.mirror.calls().find(({ id }) => id === call) ?? {
        id: call,
        connections: [],
      };
      this.events.emit('event', { seq: this.#seq++, event, call: known });
    }
  }

  device(device: Device): void {
    const event: CtiEvent = { type: 'deviceChanged', cause: 'systemInitiated', at: 0, device };
    this.mirror.apply(event);
    this.events.emit('event', { seq: this.#seq++, event });
  }
}

/** Alice's desk phone behind such a bridge, on virtual time. */
export function fakeDesk() {
  const bridge = new FakeBridge();
  const clock = new ManualClock();
  const history = new CallHistory(10);
  const line = new DeskLine({
    client: bridge.client,
    url: 'wss://cti.example.com',
    device: 'alice',
    domain: 'pbx.example.com',
    nameOf: () => undefined,
    history,
    clock,
    logger: silentLogger,
  });
  const codes = { pickup: '*8{extension}' };
  const desk = new DeskHandset({
    line,
    codes,
    domain: 'pbx.example.com',
    decide: (target) => (target === '0900' ? '*0900' : target),
  });
  return { bridge, clock, history, line, desk };
}
