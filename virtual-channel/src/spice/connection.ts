import { OffhookError, type Clock, type Timer } from '@offhook/common';
import type { PortStream } from '../port-stream.ts';
import { decodeBody } from './layout.ts';
import { baseFromClient, baseFromServer, mainFromClient, mainFromServer } from './messages.ts';
import { readDestination, type DestinationInfo } from './migration/destination.ts';
import { DestinationSide } from './migration/destination-side.ts';
import {
  SETTLED,
  stepMigration,
  type MigrationEffect,
  type MigrationInput,
  type MigrationState,
  type MovedChannel,
} from './migration/machine.ts';
import { openPort, type PortChannel } from './port.ts';
import { PortLine } from './port-line.ts';
import { openSession } from './session.ts';
import type { SpiceSource } from './source.ts';
import type { SpiceChannel, SpiceMessage } from './spice-channel.ts';

/** What there is to tell of a desktop that moves. */
export type MigrationNews =
  | { readonly kind: 'began'; readonly to: string }
  /** Without `lossless`, bytes that were under way are lost, and the stream has begun anew. */
  | { readonly kind: 'moved'; readonly to: string; readonly lossless: boolean }
  /** We do not stand at the destination; the source goes on. */
  | { readonly kind: 'stayed'; readonly error: OffhookError };

export interface ConnectionOptions {
  readonly source: SpiceSource;
  readonly portName: string;
  /** Milliseconds for each connection and link. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The guest opened its end (again). */
  readonly onStream: (stream: PortStream) => void;
  readonly onMigration?: ((news: MigrationNews) => void) | undefined;
}

/** Why a connection is over, and where the desktop is to be looked for. */
export interface ConnectionEnd {
  readonly reason: unknown;
  /** Best first. */
  readonly next: readonly SpiceSource[];
  /** The guest is known to be at the first of them, and nowhere else. */
  readonly moved: boolean;
}

/** spice-server gives a client as long to connect to the destination. */
const STEP_MS = 10_000;

interface Ends {
  readonly source: SpiceSource;
  readonly main: SpiceChannel;
  readonly port: PortChannel;
}

/** A session with our port at a SPICE server, which goes with the desktop when that moves. */
export class SpiceConnection {
  readonly ended: Promise<ConnectionEnd>;
  readonly #ended = Promise.withResolvers<ConnectionEnd>();
  readonly #options: ConnectionOptions;
  readonly #sessionId: number;
  readonly #line: PortLine;
  #here: Ends;
  #there: DestinationSide | undefined;
  /** Where the desktop goes, as far as was said. */
  #target: SpiceSource | undefined;
  #state: MigrationState = SETTLED;
  readonly #inputs: MigrationInput[] = [];
  #stepping = false;
  #timer: Timer | undefined;
  #failure: unknown;
  /** The body of the MIGRATE_DATA that is being handled. */
  #data: Uint8Array = new Uint8Array(0);
  #over = false;

  private constructor(options: ConnectionOptions, sessionId: number, here: Ends) {
    this.#options = options;
    this.#sessionId = sessionId;
    this.#here = here;
    this.ended = this.#ended.promise;
    this.#line = new PortLine(here.port, options.portName, options.onStream);
    this.#watch();
    options.signal.addEventListener('abort', () => this.destroy(), { once: true });
  }

  /** @throws OffhookError layer `channel`. */
  static async open(options: ConnectionOptions): Promise<SpiceConnection> {
    const { source, portName, timeoutMs } = options;
    const session = await openSession(options);
    const { main, sessionId } = session;
    const lost = new AbortController();
    const offClose = main.on('close', (error) => lost.abort(error ?? connectionGone()));
    // A move that begins before we have the port is not prepared; the server says where to go then.
    const offMessage = main.on('message', ({ type }) => {
      const { migrateBegin, migrateBeginSeamless } = mainFromServer;
      if (type === migrateBegin.type || type === migrateBeginSeamless.type)
        main.send(mainFromClient.migrateConnectError, {});
    });
    try {
      const signal = AbortSignal.any([options.signal, lost.signal]);
      const port = await openPort(session, { source, timeoutMs, signal, name: portName });
      signal.throwIfAborted();
      return new SpiceConnection(options, sessionId, { source, main, port });
    } catch (error) {
      main.destroy();
      throw error;
    } finally {
      offMessage();
      offClose();
    }
  }

  /** The server that it stands at now. */
  get source(): SpiceSource {
    return this.#here.source;
  }

  /** Idempotent. */
  destroy(): void {
    this.#end({ reason: undefined, next: [this.source], moved: false });
  }

  #end(end: ConnectionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#there?.drop();
    this.#line.end(end.reason instanceof Error ? end.reason : undefined);
    this.#here.main.destroy();
    this.#here.port.channel.destroy();
    this.#ended.resolve(end);
  }

  /** Listens to the channels that we have here now. */
  #watch(): void {
    const here = this.#here;
    const isHere = () => this.#here === here && !this.#over;
    for (const name of ['main', 'port'] as const) {
      const channel = name === 'main' ? here.main : here.port.channel;
      channel.on('message', (message) => {
        if (isHere() && !this.#isMove(name, message) && name === 'main') this.#main(message);
      });
      channel.on('close', (error) => {
        if (!isHere()) return;
        this.#failure ??= error;
        this.#input({ kind: 'source-closed', channel: name });
      });
    }
  }

  /** What every channel of the source can say of a move. */
  #isMove(channel: MovedChannel, { type, body }: SpiceMessage): boolean {
    if (type === baseFromServer.migrate.type) {
      const { flags } = decodeBody('MIGRATE', baseFromServer.migrate.body, body);
      const [flush, data] = [(flags & 1) !== 0, (flags & 2) !== 0];
      this.#input({ kind: 'migrate', channel, flush, data });
    } else if (type === baseFromServer.migrateData.type) {
      this.#data = body;
      this.#input({ kind: 'data', channel });
      this.#data = new Uint8Array(0);
    } else {
      return false;
    }
    return true;
  }

  #main({ type, body }: SpiceMessage): void {
    const rows = mainFromServer;
    if (type === rows.migrateBegin.type) {
      this.#begin(decodeBody('MIGRATE_BEGIN', rows.migrateBegin.body, body), undefined);
    } else if (type === rows.migrateBeginSeamless.type) {
      const begin = decodeBody('MIGRATE_BEGIN_SEAMLESS', rows.migrateBeginSeamless.body, body);
      this.#begin(begin, begin.sourceVersion);
    } else if (type === rows.migrateCancel.type) {
      this.#input({ kind: 'cancel' });
    } else if (type === rows.migrateEnd.type) {
      this.#input({ kind: 'end' });
    } else if (type === rows.migrateSwitchHost.type) {
      this.#aim(decodeBody('MIGRATE_SWITCH_HOST', rows.migrateSwitchHost.body, body));
      this.#input({ kind: 'switch-host' });
    } else if (type === rows.init.type) {
      // Again, after a move that was not seamless.
      this.#here.main.send(mainFromClient.attachChannels, {});
    }
  }

  #begin(info: DestinationInfo, version: number | undefined): void {
    try {
      const { host } = this.#aim(info);
      this.#options.onMigration?.({ kind: 'began', to: host });
      this.#input({ kind: 'begin', version });
    } catch (error) {
      if (!(error instanceof OffhookError)) throw error;
      this.#failure = error;
      this.#input({ kind: 'cancel' });
      this.#tellFailed();
    }
  }

  /** @throws OffhookError when there is no going there. */
  #aim(info: DestinationInfo): SpiceSource {
    const { main, port, source } = this.#here;
    this.#target = readDestination(info, source, main.secure && port.channel.secure);
    return this.#target;
  }

  #input(input: MigrationInput): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      const before = this.#state.kind;
      const { state, effects } = stepMigration(this.#state, next);
      this.#state = state;
      if (state.kind !== before || next.kind === 'begin')
        this.#arm(state.kind === 'connecting' || state.kind === 'moving');
      for (const effect of effects) this.#perform(effect);
    }
    this.#stepping = false;
  }

  #arm(waits: boolean): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!waits) return;
    this.#timer = this.#options.clock.after(STEP_MS, () => this.#input({ kind: 'late' }));
  }

  #perform(effect: MigrationEffect): void {
    const { main } = this.#here;
    switch (effect.kind) {
      case 'link-main':
        this.#there = this.#newDestination();
        this.#there?.linkMain();
        break;
      case 'ask-seamless':
        this.#there?.askSeamless(effect.version);
        break;
      case 'link-port':
        this.#there?.linkPort();
        break;
      case 'tell-connected': {
        const { migrateConnected, migrateConnectedSeamless } = mainFromClient;
        main.send(effect.seamless ? migrateConnectedSeamless : migrateConnected, {});
        break;
      }
      case 'tell-failed':
        this.#tellFailed();
        break;
      case 'drop-destination':
        this.#there?.drop();
        this.#there = undefined;
        break;
      case 'hold-port':
        this.#line.hold();
        break;
      case 'flush-mark':
        this.#channel(effect.channel).send(baseFromClient.migrateFlushMark, {});
        break;
      case 'carry':
        this.#carry(effect.channel);
        break;
      case 'finish':
        this.#arrive(false);
        break;
      case 'leave':
        this.#leave(effect.certain);
    }
  }

  #newDestination(): DestinationSide | undefined {
    if (this.#target === undefined) return undefined;
    const side = new DestinationSide({
      source: this.#target,
      sessionId: this.#sessionId,
      portId: this.#here.port.channel.id,
      timeoutMs: this.#options.timeoutMs,
      onInput: (input, error) => {
        if (this.#there !== side || this.#over) return;
        if (input.kind === 'destination-failed') this.#failure = error;
        this.#input(input);
      },
    });
    return side;
  }

  #channel(name: MovedChannel): SpiceChannel {
    return name === 'main' ? this.#here.main : this.#here.port.channel;
  }

  #carry(name: MovedChannel): void {
    if (this.#there === undefined) return;
    if (this.#data.length > 0) this.#there.sendData(name, this.#data);
    if (name === 'port') this.#line.carry(this.#there.port);
    this.#channel(name).destroy();
    if (this.#state.kind === 'settled') this.#arrive(true);
  }

  /** The desktop is there: its channels are what we have now. */
  #arrive(lossless: boolean): void {
    const [before, source] = [this.#here, this.#target];
    if (this.#there === undefined || source === undefined) return;
    this.#here = { source, ...this.#there.release() };
    this.#there = undefined;
    this.#target = undefined;
    this.#watch();
    before.main.destroy();
    before.port.channel.destroy();
    if (!lossless) {
      this.#here.main.send(mainFromClient.migrateEnd, {});
      this.#line.replace(this.#here.port);
    }
    this.#options.onMigration?.({ kind: 'moved', to: source.host, lossless });
  }

  #tellFailed(): void {
    this.#here.main.send(mainFromClient.migrateConnectError, {});
    const cause = this.#failure;
    this.#failure = undefined;
    const late = new OffhookError('channel', 'timeout', 'the destination takes too long');
    this.#options.onMigration?.({
      kind: 'stayed',
      error: cause instanceof OffhookError ? cause : late,
    });
  }

  #leave(certain: boolean): void {
    const [here, there] = [this.source, this.#target];
    const moved = certain && there !== undefined;
    const next = moved ? [there] : there === undefined ? [here] : [here, there];
    if (moved) this.#options.onMigration?.({ kind: 'moved', to: there.host, lossless: false });
    this.#end({ reason: this.#failure, next, moved });
  }
}

function connectionGone(): OffhookError {
  return new OffhookError('channel', 'closed', 'the SPICE connection is gone');
}
