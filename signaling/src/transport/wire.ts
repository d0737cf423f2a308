import type { Clock, Timer } from '@offhook/common';
import { OffhookError } from '@offhook/common';
import type { Flow } from './layer.ts';
import type { TimerName } from './timers.ts';
import { formatVia } from './via.ts';

/** A way to one peer: a UDP socket with a remote endpoint, or a connection. */
export interface Wire {
  readonly flow: Flow;
  /** False once the connection behind it has gone. */
  readonly open: boolean;
  /** Resolves when the operating system took the bytes; rejects with an OffhookError. */
  send(bytes: Uint8Array): Promise<void>;
}

/** The Via of a request that leaves on this wire (RFC 3261 §18.1.1, RFC 3581 §3). */
export function viaFor({ flow }: Wire, branch: string): string {
  return formatVia({
    transport: flow.transport.toUpperCase(),
    host: flow.contact.address,
    port: flow.contact.port,
    params: [
      { name: 'branch', value: branch },
      { name: 'rport', value: undefined },
    ],
  });
}

export function isReliable(wire: Wire): boolean {
  return wire.flow.transport !== 'udp';
}

/** The two timers of one transaction. */
export class TimerPair {
  readonly #clock: Clock;
  readonly #fire: (timer: TimerName) => void;
  readonly #running = new Map<TimerName, Timer>();

  constructor(clock: Clock, fire: (timer: TimerName) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  start(name: TimerName, ms: number): void {
    this.stop(name);
    const timer = this.#clock.after(ms, () => {
      this.#running.delete(name);
      this.#fire(name);
    });
    this.#running.set(name, timer);
  }

  stop(name: TimerName): void {
    this.#running.get(name)?.cancel();
    this.#running.delete(name);
  }

  clear(): void {
    this.stop('repeat');
    this.stop('life');
  }
}

export function sendFailed(flow: Flow | string, cause: unknown): OffhookError {
  const where =
    typeof flow === 'string'
      ? flow
      : `${flow.remote.address} port ${flow.remote.port} over ${flow.transport}`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OffhookError('signaling', 'send-failed', `sending to ${where} failed: ${why}`, {
    cause,
    remedy: 'check the network and the server',
  });
}

export function layerClosed(): OffhookError {
  return new OffhookError('signaling', 'closed', 'the SIP transports are closed');
}
