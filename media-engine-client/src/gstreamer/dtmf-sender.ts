import { OffhookError, type Clock } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import type { LegConfig } from '../media-plane.ts';
import type { WorkerLink } from './worker-link.ts';

/** Beyond the time that the digits themselves take. */
const SLACK_MS = 2000;

/** Sends digits and waits until the worker says that the last one is out. */
export class DtmfSender {
  readonly #link: WorkerLink;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, () => void>();
  readonly #queues = new Map<string, Promise<void>>();
  #nextToken = 1;

  constructor(link: WorkerLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** The worker's `dtmf-sent`. */
  sent(token: string): void {
    this.#waiting.get(token)?.();
  }

  /** Strings of digits for one leg go out one after the other. */
  send(
    leg: LegConfig,
    options: { digits: string; method: 'rfc4733' | 'inband'; durationMs: number; gapMs: number },
  ): Promise<void> {
    if (leg.direction !== 'sendrecv' && leg.direction !== 'sendonly')
      return Promise.reject(
        mediaError('wrong-state', 'The call is on hold: digits cannot be sent'),
      );
    const before = this.#queues.get(leg.id) ?? Promise.resolve();
    const result = before.then(() => this.#send(leg, options));
    const settled = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#queues.get(leg.id) === settled) this.#queues.delete(leg.id);
      });
    this.#queues.set(leg.id, settled);
    return result;
  }

  async #send(
    leg: LegConfig,
    options: { digits: string; method: 'rfc4733' | 'inband'; durationMs: number; gapMs: number },
  ): Promise<void> {
    const token = `dtmf-${this.#nextToken++}`;
    const { digits, durationMs, gapMs } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const packets = 4 * leg.codec.ptimeMs; // ends are repeated, durations rounded up
    const ms = digits.length * (durationMs + gapMs + packets) + SLACK_MS;
    const command = this.#command(leg, options.method);
    this.#waiting.set(token, resolve);
    const timer = this.#clock.after(ms, () => {
      void this.#link.request(command.verb, command.params).catch(() => undefined);
      reject(new OffhookError('media', 'timeout', 'The digits could not be sent in time'));
    });
    try {
      await this.#link.request(command.verb, {
        ...command.params,
        digits,
        durationMs,
        gapMs,
        token,
      });
      await promise;
    } finally {
      timer.cancel();
      this.#waiting.delete(token);
    }
  }

  /** The verb that sends digits, and that without digits stops them. */
  #command(
    leg: LegConfig,
    method: 'rfc4733' | 'inband',
  ): { verb: 'port.dtmf' | 'pipeline.tones'; params: object } {
    if (method === 'inband')
      return { verb: 'pipeline.tones', params: { id: `leg:${leg.id}`, probe: 'inband' } };
    if (leg.telephoneEvent === undefined)
      throw mediaError('wrong-state', 'The peer takes no telephone-event (RFC 4733)');
    return {
      verb: 'port.dtmf',
      params: {
        id: leg.sockets,
        payloadType: leg.telephoneEvent.payloadType,
        clockRate: leg.telephoneEvent.clockRate,
      },
    };
  }
}
