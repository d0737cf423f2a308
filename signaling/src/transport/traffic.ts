import type { Clock, Logger } from '@offhook/common';
import type { TraceEntry } from '../api.ts';
import type { Endpoint, Flow, TransportCounters } from './layer.ts';
import { maskMessage } from './mask.ts';
import { bracket } from './via.ts';

export interface TrafficOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trace: ((entry: TraceEntry) => void) | undefined;
}

/** Complaints about what strangers send: at most one line in this many ms. */
const COMPLAINT_INTERVAL = 10_000;

/** Counts and shows what crosses the wire. */
export class Traffic {
  readonly counters: TransportCounters = {
    received: 0,
    sent: 0,
    retransmissionsSent: 0,
    retransmissionsAbsorbed: 0,
    dropped: 0,
    refused: 0,
    sendFailures: 0,
    connectionsRefused: 0,
  };
  readonly #options: TrafficOptions;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  sent(flow: Flow, bytes: Uint8Array): void {
    // Keep-alives are no messages.
    if (bytes[0] === 13) return;
    this.counters.sent++;
    this.#show('out', flow, bytes);
  }

  received(flow: Flow, bytes: Uint8Array): void {
    this.counters.received++;
    this.#show('in', flow, bytes);
  }

  dropped(flow: Flow, reason: string): void {
    this.counters.dropped++;
    this.#complain(flow, reason, 'dropped what is not a usable SIP message');
  }

  refused(flow: Flow, reason: string): void {
    this.counters.refused++;
    this.#complain(flow, reason, 'refused a malformed SIP request');
  }

  /** Whoever can reach the port decides how much comes: the log must not grow with it. */
  #complain(flow: Flow, reason: string, message: string): void {
    const { clock, logger } = this.#options;
    if (clock.now() - this.#complainedAt < COMPLAINT_INTERVAL) {
      this.#unsaid++;
      return;
    }
    this.#complainedAt = clock.now();
    const { transport, remote } = flow;
    const from = show(remote);
    logger.warn({ transport, from, reason, unsaid: this.#unsaid }, message);
    this.#unsaid = 0;
  }

  #show(direction: 'in' | 'out', flow: Flow, bytes: Uint8Array): void {
    const { trace, clock } = this.#options;
    if (trace === undefined) return;
    trace({
      at: clock.wall(),
      direction,
      transport: flow.transport,
      local: show(flow.local),
      remote: show(flow.remote),
      message: maskMessage(Buffer.from(bytes).toString('utf8')),
    });
  }
}

function show({ address, port }: Endpoint): string {
  return `${bracket(address)}:${port}`;
}
