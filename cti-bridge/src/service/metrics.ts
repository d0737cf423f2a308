import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Bridge } from './bridge.ts';

/** Figures for Prometheus. */
export class Metrics {
  readonly registry = new Registry();
  readonly events: Counter<'type'>;
  readonly requests: Counter<'service' | 'result'>;
  readonly seconds: Histogram<'service'>;
  readonly dropped: Counter;
  readonly up: Gauge<'pbx'>;
  readonly own: Gauge<'pbx'>;

  constructor(options: { bridge: Bridge; subscribers: () => number }) {
    const { bridge, subscribers } = options;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.events = new Counter({
      name: 'offhook_cti_events_total',
      help: 'Events told, by type',
      labelNames: ['type'],
      registers,
    });
    this.requests = new Counter({
      name: 'offhook_cti_requests_total',
      help: 'Services asked for, by result',
      labelNames: ['service', 'result'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'offhook_cti_request_seconds',
      help: 'How long services took',
      labelNames: ['service'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    });
    this.dropped = new Counter({
      name: 'offhook_cti_subscribers_dropped_total',
      help: 'Readers disconnected because they did not read',
      registers,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge('offhook_cti_devices', 'Devices', () => bridge.counts.devices);
    gauge('offhook_cti_calls', 'Calls', () => bridge.counts.calls);
    gauge('offhook_cti_subscribers', 'Event streams', subscribers);
    this.up = new Gauge({
      name: 'offhook_cti_pbx_up',
      help: '1 when the PBX is connected',
      labelNames: ['pbx'],
      registers,
      collect() {
        for (const [pbx, { up }] of Object.entries(bridge.status())) this.set({ pbx }, up ? 1 : 0);
      },
    });
    this.own = new Gauge({
      name: 'offhook_cti_pbx_own',
      help: '1 when it is this bridge that speaks with the PBX',
      labelNames: ['pbx'],
      registers,
      collect() {
        const own = new Set(bridge.own);
        for (const pbx of Object.keys(bridge.status())) this.set({ pbx }, own.has(pbx) ? 1 : 0);
      },
    });
    gauge('offhook_cti_site_up', '1 when the other bridges of the site can be reached', () =>
      bridge.away === undefined ? 1 : 0,
    );
  }
}
