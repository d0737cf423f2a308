import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';

/** Whether an adapter has its PBX. */
export type AdapterStatus = { readonly up: true } | { readonly up: false; readonly reason: string };

/** Where an adapter tells what it learns. */
export interface AdapterSink {
  fact(fact: Fact): void;
  status(status: AdapterStatus): void;
}

/**
 * One PBX, or a set of phones, behind the words of CSTA. Every adapter passes the suite of
 * test/cti/suite.
 *
 * - An adapter MUST tell a `snapshot` fact before it tells `up`, and again after every reconnect,
 *   so that nothing that happened meanwhile is missed.
 * - The ids of connections and calls MUST begin with the adapter's name and a colon, and MUST be
 *   the same again after a restart of the bridge, as far as the PBX has names that stay.
 * - `request` is called only when model/preconditions.ts holds; it MUST end within its deadline,
 *   settled by what the PBX says and never by time alone, with an OffhookError of layer `cti` when
 *   the PBX refuses.
 * - What a device cannot do MUST be missing in its capabilities.
 * - Nothing that a caller passed may reach the PBX as anything but one value of one field.
 * - `close` is idempotent; no fact is told after it.
 */
export interface CtiAdapter {
  readonly name: string;
  /** Begins, and goes on trying for as long as the PBX cannot be reached. */
  start(sink: AdapterSink): void;
  request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult>;
  close(): Promise<void>;
}
