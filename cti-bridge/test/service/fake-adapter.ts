import type { AdapterSink, CtiAdapter } from '../../src/adapter/adapter.ts';
import type { Fact } from '../../src/model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../../src/model/services.ts';
import { station } from '../model/facts.ts';
import { serviceName } from '../../src/model/terms.ts';

/** A PBX of two phones that does what a test tells it. */
export class FakeAdapter implements CtiAdapter {
  readonly name = 'pbx';
  readonly requests: ServiceRequest[] = [];
  /** What the next request comes to. */
  answer: ServiceResult | Error = { call: 'pbx:1', connection: 'pbx:1' };
  #sink: AdapterSink | undefined;

  start(sink: AdapterSink): void {
    this.#sink = sink;
    const capabilities = [...serviceName.options];
    const devices = ['alice', 'bob'].map((id) => station(id, { capabilities }));
    sink.fact({ kind: 'snapshot', connections: [], devices });
    sink.status({ up: true });
  }

  tell(...facts: readonly Fact[]): void {
    for (const fact of facts) this.#sink?.fact(fact);
  }

  down(): void {
    this.#sink?.status({ up: false, reason: 'unplugged' });
  }

  request(request: ServiceRequest): Promise<ServiceResult> {
    this.requests.push(request);
    const { answer } = this;
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(answer);
  }

  close(): Promise<void> {
    this.#sink = undefined;
    return Promise.resolve();
  }
}

/** A call between two devices, as facts. */
export function callBetween(from: string, to: string, call: string): Fact[] {
  const common = { kind: 'connection', call: `pbx:${call}`, state: 'connected' } as const;
  return [
    { ...common, key: `pbx:${call}.1`, device: from, role: 'calling' },
    { ...common, key: `pbx:${call}.2`, device: to, role: 'called' },
  ];
}
