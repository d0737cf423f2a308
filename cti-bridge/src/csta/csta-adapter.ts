import { OffhookError, withDeadline, type Clock, type Logger, type Timer } from '@offhook/common';
import type { AdapterSink, CtiAdapter } from '../adapter/adapter.ts';
import { Attempts } from '../adapter/attempts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { ServiceName } from '../model/terms.ts';
import { CstaBook, connectionIn, type CstaDevice } from './book.ts';
import type { ConnectLink, CstaLink } from './link.ts';
import { isDone } from './outcome.ts';
import { cstaRequest } from './requests.ts';
import { parseXml, textOf, writeXml, type Content, type Element } from './xml.ts';

/** What uaCSTA has services for. */
export const CSTA_SERVICES = [
  'makeCall',
  'answerCall',
  'clearConnection',
  'holdCall',
  'retrieveCall',
  'alternateCall',
  'reconnectCall',
  'consultationCall',
  'transferCall',
  'singleStepTransfer',
  'deflectCall',
  'directedPickup',
  'conferenceCall',
  'generateDigits',
  'setDoNotDisturb',
  'setForwarding',
  'setMessageWaiting',
] as const satisfies readonly ServiceName[];

export interface CstaAdapterOptions {
  readonly name: string;
  /** `http://www.ecma-international.org/standards/ecma-323/csta/ed4`, as the phones speak it. */
  readonly namespace: string;
  /** A switch with all its devices, or one way a phone. */
  readonly lines: readonly {
    readonly devices: readonly CstaDevice[];
    readonly connect: ConnectLink;
  }[];
  /** Of CSTA_SERVICES, what these phones do. */
  readonly services: readonly ServiceName[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs?: number;
}

interface Line {
  readonly devices: readonly CstaDevice[];
  readonly connect: ConnectLink;
  link: CstaLink | undefined;
  retryMs: number;
  timer: Timer | undefined;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5000;
const TIMEOUT_MS = 5000;

/** Phones and switches that speak CSTA-XML (ECMA-323): uaCSTA over SIP, or over TCP. */
export class CstaAdapter implements CtiAdapter {
  readonly name: string;
  readonly #options: CstaAdapterOptions;
  readonly #book: CstaBook;
  readonly #lines: readonly Line[];
  readonly #closing = new AbortController();
  readonly #attempts = new Attempts();
  #sink: AdapterSink | undefined;

  constructor(options: CstaAdapterOptions) {
    this.name = options.name;
    this.#options = options;
    const devices = options.lines.flatMap((line) => line.devices);
    this.#book = new CstaBook(options.name, devices, [...options.services]);
    this.#lines = options.lines.map((line) => ({
      ...line,
      link: undefined,
      retryMs: FIRST_RETRY_MS,
      timer: undefined,
    }));
  }

  start(sink: AdapterSink): void {
    this.#sink = sink;
    for (const line of this.#lines) void this.#connect(line);
  }

  async request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult> {
    const { name, content, made } = cstaRequest(request, (key) => {
      const id = this.#book.connectionId(key);
      if (id !== undefined) return id;
      throw new OffhookError('cti', 'no-such-connection', `there is no connection ${key}`);
    });
    const { link } = this.#lineOf(request);
    if (link === undefined) {
      throw new OffhookError('cti', 'pbx-gone', `${this.name} is not connected at the moment`);
    }
    const response = await this.#ask(link, name, content, signal);
    const id = made === undefined ? undefined : connectionIn(response, made);
    const connection = id === undefined ? undefined : this.#book.key(id);
    await this.#settled(name, () => isDone(request, this.#book, connection), signal);
    if (id === undefined || connection === undefined) return {};
    return { call: this.#book.callKey(id.callID), connection };
  }

  close(): Promise<void> {
    this.#sink = undefined;
    this.#closing.abort(new OffhookError('cti', 'closed', `${this.name} was closed`));
    for (const line of this.#lines) {
      line.timer?.cancel();
      line.link?.close();
    }
    return Promise.resolve();
  }

  async #connect(line: Line): Promise<void> {
    const what = `connecting ${this.name}`;
    const signal = this.#closing.signal;
    const deadline = {
      layer: 'cti',
      what,
      ms: this.#options.timeoutMs ?? TIMEOUT_MS,
      signal,
    } as const;
    let link: CstaLink | undefined;
    try {
      link = await withDeadline(deadline, (within) =>
        line.connect(
          {
            onEvent: (xml) => this.#event(xml),
            onClose: (reason) => {
              if (line.link === link) this.#lost(line, reason);
            },
          },
          within,
        ),
      );
      for (const { id } of line.devices) await this.#begin(link, id);
      line.link = link;
      line.retryMs = FIRST_RETRY_MS;
      this.#sink?.fact(this.#book.facts());
      this.#status();
    } catch (error) {
      link?.close();
      const known = error instanceof OffhookError;
      this.#lost(line, known ? error : new OffhookError('cti', 'unexpected', String(error)));
    }
  }

  /** The monitor first: what changes while the snapshot is on its way is told by events. */
  async #begin(link: CstaLink, device: string): Promise<void> {
    const { signal } = this.#closing;
    const object = { monitorObject: { deviceObject: device } };
    await this.#ask(link, 'MonitorStart', object, signal);
    const asked = { snapshotObject: device };
    this.#book.snapshot(device, await this.#ask(link, 'SnapshotDevice', asked, signal));
  }

  async #ask(
    link: CstaLink,
    name: string,
    content: Content,
    signal: AbortSignal,
  ): Promise<Element> {
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    const xml = writeXml(name, content, this.#options.namespace);
    const response = await withDeadline({ layer: 'cti', what: name, ms, signal }, (within) =>
      link.request(xml, within),
    );
    const element = parseXml(response);
    if (element.name === `${name}Response`) return element;
    const why = textOf(element, 'operation') ?? textOf(element, 'stateIncompatibility') ?? '';
    const text = `${this.name} refused ${name}: ${why === '' ? element.name : why}`;
    throw new OffhookError('cti', 'pbx-refused', text);
  }

  async #settled(name: string, isSo: () => boolean, signal: AbortSignal): Promise<void> {
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    await withDeadline({ layer: 'cti', what: `the events of ${name}`, ms, signal }, (within) =>
      this.#attempts.until(() => isSo() || undefined, within),
    );
  }

  #event(xml: string): void {
    try {
      for (const fact of this.#book.event(parseXml(xml))) this.#sink?.fact(fact);
      this.#attempts.look();
    } catch (error) {
      if (!(error instanceof OffhookError)) throw error;
      this.#options.logger.warn({ pbx: this.name, reason: error.message }, 'an event was dropped');
    }
  }

  #lost(line: Line, reason: OffhookError): void {
    if (this.#closing.signal.aborted) return;
    line.link = undefined;
    const { logger, clock } = this.#options;
    logger.warn({ pbx: this.name, code: reason.code, reason: reason.message }, 'not connected');
    for (const { id } of line.devices) this.#book.lost(id);
    this.#sink?.fact(this.#book.facts());
    this.#status();
    line.timer?.cancel();
    line.timer = clock.after(line.retryMs, () => void this.#connect(line));
    line.retryMs = Math.min(line.retryMs * 2, LAST_RETRY_MS);
  }

  #status(): void {
    const away = this.#lines.filter(({ link }) => link === undefined);
    const devices = away.flatMap((line) => line.devices.map(({ id }) => id));
    const reason = `no connection for ${devices.slice(0, 5).join(', ')}`;
    this.#sink?.status(away.length === 0 ? { up: true } : { up: false, reason });
  }

  #lineOf({ params }: ServiceRequest): Line {
    const device =
      'device' in params
        ? params.device
        : this.#book.connectionId(
            'held' in params ? params.held : 'connection' in params ? params.connection : '',
          )?.deviceID;
    const line = this.#lines.find(({ devices }) => devices.some(({ id }) => id === device));
    if (line !== undefined) return line;
    throw new OffhookError('cti', 'no-such-device', `there is no device ${device ?? ''}`);
  }
}
