import { OffhookError, withDeadline, type Clock, type Logger, type Timer } from '@offhook/common';
import Srf from 'drachtio-srf';
import type { AdapterSink, CtiAdapter } from '../adapter/adapter.ts';
import { Attempts } from '../adapter/attempts.ts';
import { Devices } from '../adapter/devices.ts';
import type { Fact } from '../model/facts.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { Leg } from './leg.ts';
import type { DrachtioSettings } from './settings.ts';
import { Switchboard } from './switchboard.ts';

export interface DrachtioOptions {
  readonly settings: DrachtioSettings;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 5000;

/** Phones whose signaling goes through a drachtio-server, which the bridge controls. */
export class DrachtioAdapter implements CtiAdapter {
  readonly name: string;
  readonly #options: DrachtioOptions;
  readonly #attempts = new Attempts();
  readonly #closing = new AbortController();
  readonly #devices: Devices;
  #sink: AdapterSink | undefined;
  #srf: Srf | undefined;
  #board: Switchboard | undefined;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;

  constructor(options: DrachtioOptions) {
    const { name, phones, services } = options.settings;
    this.name = name;
    this.#options = options;
    this.#devices = new Devices(
      Object.keys(phones).map((id) => ({
        id,
        kind: 'station',
        number: id,
        inService: false,
        capabilities: [...services],
      })),
    );
  }

  start(sink: AdapterSink): void {
    this.#sink = sink;
    this.#connect();
  }

  async request(request: ServiceRequest, signal: AbortSignal): Promise<ServiceResult> {
    const board = this.#board;
    if (board === undefined) {
      throw new OffhookError('cti', 'pbx-gone', `${this.name} is not connected at the moment`);
    }
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    const all = AbortSignal.any([signal, this.#closing.signal]);
    const what = { layer: 'cti', what: request.service, ms, signal: all } as const;
    return withDeadline(what, (within) => this.#perform(board, request, within));
  }

  close(): Promise<void> {
    this.#sink = undefined;
    this.#closing.abort(new OffhookError('cti', 'closed', `${this.name} was closed`));
    this.#timer?.cancel();
    this.#drop();
    return Promise.resolve();
  }

  async #perform(
    board: Switchboard,
    request: ServiceRequest,
    signal: AbortSignal,
  ): Promise<ServiceResult> {
    const { service, params } = request;
    const of = (key: string) => legOf(board, key);
    switch (service) {
      case 'makeCall':
        return made(await board.make(params.device, params.to));
      case 'clearConnection':
        board.hangUp(of(params.connection));
        return {};
      case 'clearCall':
        for (const leg of board.inCall(params.call)) board.hangUp(leg);
        return {};
      case 'holdCall':
        await board.hold(of(params.connection));
        return {};
      case 'retrieveCall':
        await board.retrieve(of(params.connection));
        return {};
      case 'alternateCall':
        await board.hold(of(params.active));
        await board.retrieve(of(params.held));
        return {};
      case 'reconnectCall':
        board.hangUp(of(params.active));
        await board.retrieve(of(params.held));
        return {};
      case 'consultationCall': {
        const leg = of(params.connection);
        await board.hold(leg);
        return made(await board.make(leg.device ?? '', params.to));
      }
      case 'transferCall':
        await board.transfer(of(params.held), of(params.active));
        return {};
      case 'singleStepTransfer':
        board.handOn(of(params.connection), params.to);
        return {};
      case 'deflectCall':
        return this.#diverted(board, of(params.connection), params.to, 'redirected', signal);
      case 'directedPickup':
        return this.#diverted(board, of(params.connection), params.device, 'callPickup', signal);
      case 'generateDigits':
        await this.#digits(board, of(params.connection), params.digits);
        return {};
      case 'setMessageWaiting':
        await this.#lamp(board, params.device, params.on);
        return {};
      case 'answerCall':
      case 'conferenceCall':
      case 'setDoNotDisturb':
      case 'setForwarding':
      case 'parkCall':
      case 'setAgentState':
      case 'silentMonitor':
      case 'whisper':
      case 'bargeIn':
        throw new OffhookError('cti', 'not-supported', `a B2BUA without media has no ${service}`);
      default:
        return request satisfies never;
    }
  }

  async #diverted(
    board: Switchboard,
    leg: Leg,
    to: string,
    cause: 'redirected' | 'callPickup',
    signal: AbortSignal,
  ): Promise<ServiceResult> {
    board.divert(leg, to, cause);
    await this.#attempts.until(() => leg.isOver || undefined, signal);
    return {};
  }

  /** INFO with a body for each digit, which every phone understands (RFC 6086, application/dtmf-relay). */
  async #digits(board: Switchboard, leg: Leg, digits: string): Promise<void> {
    for (const digit of digits) await board.info(leg, digit);
    this.#tell([{ kind: 'digits', key: leg.key, digits }]);
  }

  async #lamp(board: Switchboard, device: string, on: boolean): Promise<void> {
    const uri = this.#options.settings.phones[device] ?? '';
    await board.notify(uri, `Messages-Waiting: ${on ? 'yes' : 'no'}\r\n`);
    this.#tell(this.#devices.set(device, { messageWaiting: on }));
  }

  #connect(): void {
    const { settings, secret, logger } = this.#options;
    const { host, port } = settings;
    const srf = new Srf();
    this.#srf = srf;
    const board = new Switchboard(srf, settings, (facts) => this.#tell(facts));
    srf.on('connect', (error: Error | null) => {
      if (this.#srf !== srf) return;
      if (error !== null) {
        const remedy = { remedy: 'see that the secret is that of drachtio.conf.xml' };
        this.#lost(
          new OffhookError('cti', 'pbx-refused', `${host}:${port}: ${error.message}`, remedy),
        );
        return;
      }
      this.#board = board;
      this.#retryMs = FIRST_RETRY_MS;
      logger.info({ pbx: this.name }, 'connected with drachtio-server');
      this.#begin(true);
    });
    srf.on('error', (error: Error) => {
      if (this.#srf !== srf) return;
      this.#lost(new OffhookError('cti', 'pbx-unreachable', `${host}:${port}: ${error.message}`));
    });
    srf.on('close' as 'disconnect', () => {
      if (this.#srf !== srf) return;
      this.#lost(new OffhookError('cti', 'pbx-gone', `${host}:${port} closed the connection`));
    });
    srf.invite((req, res) => void board.incoming(req, res));
    // By itself it would try again, and be a second application beside that of the next attempt.
    const once = { host, port, secret, reconnect: { maxAttempts: 1 } };
    void srf.connect(once);
  }

  /** The server keeps no dialogs for an application that is gone: there are no calls at the beginning. */
  #begin(inService: boolean): void {
    for (const { id } of this.#devices.list()) this.#devices.set(id, { inService });
    this.#sink?.fact({ kind: 'snapshot', connections: [], devices: this.#devices.list() });
    if (inService) this.#sink?.status({ up: true });
  }

  #lost(reason: OffhookError): void {
    if (this.#closing.signal.aborted) return;
    const { logger, clock } = this.#options;
    this.#drop();
    logger.warn({ pbx: this.name, code: reason.code, reason: reason.message }, 'not connected');
    this.#begin(false);
    this.#sink?.status({ up: false, reason: reason.message });
    this.#timer?.cancel();
    this.#timer = clock.after(this.#retryMs, () => this.#connect());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #drop(): void {
    const srf = this.#srf;
    this.#srf = undefined;
    this.#board?.clear();
    this.#board = undefined;
    try {
      srf?.disconnect();
    } catch {
      // There was no connection.
    }
  }

  #tell(facts: readonly Fact[]): void {
    for (const fact of facts) this.#sink?.fact(fact);
    this.#attempts.look();
  }
}

function made(leg: Leg): ServiceResult {
  return { call: leg.call, connection: leg.key };
}

function legOf(board: Switchboard, key: string): Leg {
  const leg = board.leg(key);
  if (leg !== undefined) return leg;
  throw new OffhookError('cti', 'no-such-connection', `there is no connection ${key}`);
}
