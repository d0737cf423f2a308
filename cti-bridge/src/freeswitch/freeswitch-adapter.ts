import { OffhookError, withDeadline, type Clock, type Logger, type Timer } from '@offhook/common';
import { z } from 'zod';
import type { AdapterSink, CtiAdapter } from '../adapter/adapter.ts';
import { Attempts } from '../adapter/attempts.ts';
import { Devices } from '../adapter/devices.ts';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { Device } from '../model/things.ts';
import { ChannelBook, channelRow } from './channel-book.ts';
import { perform } from './commands.ts';
import { EslClient, type EslEvent } from './esl-client.ts';
import type { FreeSwitchSettings } from './settings.ts';

export interface FreeSwitchOptions {
  readonly settings: FreeSwitchSettings;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs?: number;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
const TIMEOUT_MS = 5000;
const MAX_DEVICES = 10_000;
const MAX_WAITING = 10_000;

const EVENTS = [
  'BACKGROUND_JOB',
  'CHANNEL_CREATE',
  'CHANNEL_CALLSTATE',
  'CHANNEL_BRIDGE',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_HANGUP',
  'DTMF',
  'CUSTOM',
  'sofia::register',
  'sofia::unregister',
  'sofia::expire',
];

const listing = z.object({ rows: z.array(z.unknown()).default([]) });

/** FreeSWITCH 1.10, through its event socket. */
export class FreeSwitchAdapter implements CtiAdapter {
  readonly name: string;
  readonly #options: FreeSwitchOptions;
  readonly #book: ChannelBook;
  readonly #attempts = new Attempts();
  readonly #closing = new AbortController();
  readonly #devices = new Devices();
  #sink: AdapterSink | undefined;
  #esl: EslClient | undefined;
  /** While listings are under way, events wait; of too many the oldest go. */
  #waiting: EslEvent[] | undefined;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;

  constructor(options: FreeSwitchOptions) {
    this.name = options.settings.name;
    this.#options = options;
    this.#book = new ChannelBook(this.name, options.settings.domain);
  }

  start(sink: AdapterSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  async request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult> {
    const esl = this.#esl;
    if (esl === undefined || this.#waiting !== undefined) {
      throw new OffhookError('cti', 'pbx-gone', `${this.name} is not connected at the moment`);
    }
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    const all = AbortSignal.any([signal, this.#closing.signal]);
    return withDeadline({ layer: 'cti', what: request.service, ms, signal: all }, (within) =>
      perform(request, {
        esl,
        book: this.#book,
        settings: this.#options.settings,
        signal: within,
        until: (look) => this.#attempts.until(look, within),
        tell: (facts) => this.#tell(facts),
        setMessageWaiting: (device, on) =>
          this.#tell(this.#devices.set(device, { messageWaiting: on })),
      }),
    );
  }

  close(): Promise<void> {
    this.#sink = undefined;
    this.#closing.abort(new OffhookError('cti', 'closed', `${this.name} was closed`));
    this.#timer?.cancel();
    this.#esl?.close();
    return Promise.resolve();
  }

  async #connect(): Promise<void> {
    const { settings, secret: password, logger } = this.#options;
    const { host, port } = settings;
    const timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const { signal } = this.#closing;
    this.#waiting = [];
    let esl: EslClient | undefined;
    try {
      const onEvent = (event: EslEvent) => this.#event(event);
      const onClose = (reason: OffhookError) => {
        if (esl !== undefined && this.#esl === esl) this.#lost(reason);
      };
      const options = { host, port, password, timeoutMs, onEvent, onClose };
      esl = await EslClient.connect(options, EVENTS, signal);
      await this.#load(esl);
      this.#esl = esl;
      this.#retryMs = FIRST_RETRY_MS;
      logger.info({ pbx: this.name }, 'connected with the PBX');
      this.#sink?.status({ up: true });
    } catch (error) {
      esl?.close();
      const known = error instanceof OffhookError;
      this.#lost(known ? error : new OffhookError('cti', 'unexpected', String(error)));
    }
  }

  /** Events are on already: what changes while the listings are on their way is told after them. */
  async #load(esl: EslClient): Promise<void> {
    const { signal } = this.#closing;
    const [users, channels] = await Promise.all([
      esl.api('list_users', signal),
      esl.api('show channels as json', signal),
    ]);
    this.#devices.reset(this.#listed(users));
    const connections = this.#book.reset(rowsOf(channels));
    const devices = this.#devices.list();
    this.#sink?.fact({ kind: 'snapshot', devices, connections });
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const event of waiting) this.#event(event);
  }

  /** `list_users`: a table with `|` between its columns; the first line names them. */
  #listed(table: string): Device[] {
    const [head = '', ...lines] = table.split('\n');
    const columns = head.split('|');
    const { domain, services } = this.#options.settings;
    return lines.slice(0, MAX_DEVICES).flatMap((line) => {
      const cells = line.split('|');
      const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
      const id = cell('userid');
      if (cell('domain') !== domain || !/^[\x21-\x7e]{1,64}$/.test(id)) return [];
      const name = cell('effective_caller_id_name');
      const device: Device = {
        id,
        kind: 'station',
        number: cell('effective_caller_id_number') || id,
        ...(name === '' ? {} : { name: name.slice(0, 160) }),
        inService: !cell('contact').startsWith('error/'),
        capabilities: [...services],
      };
      return [device];
    });
  }

  #event(event: EslEvent): void {
    if (this.#waiting !== undefined) {
      if (this.#waiting.push(event) > MAX_WAITING) this.#waiting.shift();
      return;
    }
    const subclass = event.get('Event-Subclass') ?? '';
    if (subclass.startsWith('sofia::')) {
      const user = event.get('from-user') ?? event.get('username') ?? '';
      this.#tell(this.#devices.set(user, { inService: subclass === 'sofia::register' }));
    } else this.#tell(this.#book.apply(event));
  }

  #tell(facts: readonly Fact[]): void {
    for (const fact of facts) this.#sink?.fact(fact);
    this.#attempts.look();
  }

  #lost(reason: OffhookError): void {
    if (this.#closing.signal.aborted) return;
    const { logger, clock } = this.#options;
    this.#esl = undefined;
    logger.warn({ pbx: this.name, code: reason.code, reason: reason.message }, 'not connected');
    this.#sink?.status({ up: false, reason: reason.message });
    this.#timer?.cancel();
    this.#timer = clock.after(this.#retryMs, () => void this.#connect());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}

function rowsOf(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OffhookError('cti', 'bad-peer', 'the list of channels is no JSON');
  }
  const parsed = listing.safeParse(value);
  if (!parsed.success) throw new OffhookError('cti', 'bad-peer', 'the list of channels is none');
  return parsed.data.rows.flatMap((row) => channelRow.safeParse(row).data ?? []);
}
