import { OffhookError, withDeadline, type Logger } from '@offhook/common';
import type { Account, Subscription, SubscriptionState } from '@offhook/signaling';
import { applyDialogInfo, DIALOG_INFO, type DialogTable } from '@offhook/signaling/documents';
import type { AdapterSink, CtiAdapter } from '../adapter/adapter.ts';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { ServiceName } from '../model/terms.ts';
import { Attempts } from '../adapter/attempts.ts';
import { DialogBook, type WatchedPhone } from './dialog-book.ts';
import { perform } from './perform.ts';
import { PhoneRequests } from './phone-requests.ts';

export interface SipAdapterOptions {
  readonly name: string;
  /** By which phones are asked and watched. */
  readonly account: Account;
  readonly phones: readonly WatchedPhone[];
  /** A SIP URI with `{number}` in it. */
  readonly dialUri: string;
  readonly services: readonly ServiceName[];
  readonly logger: Logger;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5000;

/**
 * Phones behind a PBX that has nothing for programs: watched by their dialog events (RFC 4235), and
 * asked by REFER and NOTIFY. What was asked for counts as done when the phone's events say so.
 */
export class SipAdapter implements CtiAdapter {
  readonly name: string;
  readonly #options: SipAdapterOptions;
  readonly #book: DialogBook;
  readonly #requests: PhoneRequests;
  readonly #attempts = new Attempts();
  readonly #subscriptions = new Map<string, Subscription>();
  #sink: AdapterSink | undefined;

  constructor(options: SipAdapterOptions) {
    this.name = options.name;
    this.#options = options;
    this.#book = new DialogBook(options.name, options.phones, options.services);
    this.#requests = new PhoneRequests(options.account);
  }

  start(sink: AdapterSink): void {
    this.#sink = sink;
    sink.fact(this.#book.snapshot());
    for (const phone of this.#options.phones) this.#watch(phone);
  }

  async request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult> {
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    return withDeadline({ layer: 'cti', what: request.service, ms, signal }, (within) =>
      perform(request, {
        book: this.#book,
        phones: this.#requests,
        signal: within,
        uriOf: (device) => this.#uriOf(device),
        uriFor: (number) => this.#uriFor(number),
        until: (attempt) => this.#attempts.until(attempt, within),
        tell: (facts) => this.#tell(facts),
      }),
    );
  }

  async close(): Promise<void> {
    this.#sink = undefined;
    this.#attempts.close(new OffhookError('cti', 'closed', `${this.name} was closed`));
    await Promise.all([...this.#subscriptions.values()].map((one) => one.close()));
  }

  #watch({ id, uri }: WatchedPhone): void {
    const options = { event: 'dialog', accept: [DIALOG_INFO] };
    const subscription = this.#options.account.subscribe(uri, options);
    this.#subscriptions.set(id, subscription);
    let table: DialogTable | undefined;
    subscription.on('notify', ({ body }) => {
      if (body?.type !== DIALOG_INFO) return;
      const next = applyDialogInfo(table, body.content);
      if (next === undefined) {
        this.#options.logger.warn({ pbx: this.name, device: id }, 'a notification was dropped');
        return;
      }
      const isFirst = table === undefined;
      table = next;
      const facts = this.#book.update(id, next);
      if (isFirst) this.#there(id);
      else this.#tell(facts);
    });
    subscription.on('state', (state) => {
      if (state.state !== 'waiting' && state.state !== 'ended') return;
      table = undefined;
      this.#gone(id, state);
    });
  }

  /** Everything anew: while the phone was not watched anything may have happened. */
  #there(device: string): void {
    this.#book.setDevice(device, { inService: true });
    this.#tell([this.#book.snapshot()]);
    this.#status();
  }

  #gone(device: string, state: SubscriptionState): void {
    const reason = 'reason' in state ? state.reason : state.state;
    this.#options.logger.warn({ pbx: this.name, device, reason }, 'a phone is not watched');
    this.#book.lost(device);
    this.#tell([this.#book.snapshot()]);
    this.#status();
  }

  #tell(facts: readonly Fact[]): void {
    for (const fact of facts) this.#sink?.fact(fact);
    this.#attempts.look();
  }

  #status(): void {
    const away = this.#options.phones.filter(({ id }) => this.#book.table(id) === undefined);
    const names = away.slice(0, 5).map(({ id }) => id);
    const reason = `no dialog events from ${names.join(', ')}`;
    this.#sink?.status(away.length === 0 ? { up: true } : { up: false, reason });
  }

  #uriOf(device: string): string {
    const phone = this.#options.phones.find(({ id }) => id === device);
    if (phone !== undefined) return phone.uri;
    throw new OffhookError('cti', 'no-such-device', `there is no device ${device}`);
  }

  /** Of a number that is dialled; devices have numbers of their own. */
  #uriFor(number: string): string {
    const phone = this.#options.phones.find(({ id }) => id === number);
    return phone?.uri ?? this.#options.dialUri.replace('{number}', number);
  }
}
