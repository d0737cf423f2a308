import { isOffhookError, OffhookError, type Clock, type Timer } from '@offhook/common';
import type { Channel } from '../../channel.ts';
import { decodeBody } from '../layout.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { baseFromClient, baseFromServer } from '../messages.ts';
import { linkPort, openPort, type PortChannel } from '../port.ts';
import { PortLine } from '../port-line.ts';
import type { ChannelRef } from '../session.ts';
import type { SpiceSource } from '../source.ts';
import type { SpiceMessage } from '../spice-channel.ts';

export interface SessionPortOptions {
  readonly sessionId: number;
  /** What the server offers in this session; the likeliest port first. */
  readonly channels: readonly ChannelRef[];
  readonly name: string;
  /** Where the desktop is, with the ticket that is good now. */
  readonly source: () => SpiceSource;
  /** Milliseconds for each connection and link. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onChannel: (channel: Channel) => void;
  readonly onState: (state: SpiceLinkState) => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
/** To look again would open ports that are the viewer's, or be refused again. */
const FINAL = ['spice-permission-denied', 'spice-no-port', 'spice-port-busy'];

/**
 * Our port in a viewer's session: opened beside the viewer's channels, and again when it breaks. When
 * the desktop moves to another host, it goes along with the viewer (migration/machine.ts tells how).
 */
export class SessionPort {
  readonly #options: SessionPortOptions;
  readonly #stop = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #line: PortLine | undefined;
  /** At the server that the desktop moves to. */
  #there: PortChannel | undefined;
  #refused = false;
  #id: number | undefined;

  constructor(options: SessionPortOptions) {
    this.#options = options;
  }

  /** Its channel id, once it has been found. */
  get id(): number | undefined {
    return this.#id;
  }

  /** The port's channel id once it is open; undefined when it is not to be had for now. */
  async open(): Promise<number | undefined> {
    if (this.#stop.signal.aborted) return undefined;
    const { sessionId, channels, name, source, timeoutMs, onState } = this.#options;
    this.#refused = false;
    onState({ state: 'connecting' });
    try {
      const port = await openPort(
        { sessionId, channels: channels.filter(({ id }) => id === (this.#id ?? id)) },
        { source: source(), timeoutMs, signal: this.#stop.signal, name },
      );
      if (this.#stop.signal.aborted || port.channel.closed) {
        port.channel.destroy();
        throw closedByServer();
      }
      this.#id = port.channel.id;
      this.#retryMs = FIRST_RETRY_MS;
      this.#follow(port);
      onState({ state: 'linked' });
      this.#line = new PortLine(port, name, this.#options.onChannel);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    return this.#id;
  }

  /** There is another ticket: a port that was refused is tried again. */
  sourceChanged(): void {
    if (this.#refused) void this.open();
  }

  /** Links the port at the destination too; without it the move goes on, and the port comes after. */
  async prepare(destination: SpiceSource): Promise<void> {
    this.stay();
    const { sessionId, timeoutMs } = this.#options;
    if (this.#id === undefined || this.#line === undefined) return;
    const options = { source: destination, timeoutMs, signal: this.#stop.signal };
    const port = await linkPort(options, sessionId, this.#id).catch(() => undefined);
    if (this.#stop.signal.aborted) port?.channel.destroy();
    else this.#there = port;
  }

  /** It stands at the destination. */
  get prepared(): boolean {
    return this.#there !== undefined;
  }

  /** The desktop does not move after all. */
  stay(): void {
    this.#there?.channel.destroy();
    this.#there = undefined;
  }

  /** The desktop has moved, and what was under way is lost. */
  replace(): void {
    const before = this.#line?.port;
    const port = this.#takeThere();
    if (port !== undefined) this.#line?.replace(port);
    before?.channel.destroy();
  }

  /** Idempotent; tells no state any more. */
  close(): void {
    this.#timer?.cancel();
    this.#stop.abort(new OffhookError('channel', 'closed', 'the viewer has gone'));
    this.stay();
    this.#line?.end(undefined);
    this.#line?.port.channel.destroy();
  }

  #follow(port: PortChannel): void {
    const isCurrent = () => this.#line?.port === port && !this.#stop.signal.aborted;
    port.channel.on('message', (message) => {
      if (isCurrent()) this.#move(port, message);
    });
    port.channel.on('close', (error) => {
      if (!isCurrent()) return;
      this.#line?.end(error);
      this.#line = undefined;
      this.#closed();
    });
  }

  /** A seamless move: the port goes over with what is under way. */
  #move(port: PortChannel, { type, body }: SpiceMessage): void {
    if (type === baseFromServer.migrate.type) {
      const { flags } = decodeBody('MIGRATE', baseFromServer.migrate.body, body);
      this.#line?.hold();
      if ((flags & 1) !== 0) port.channel.send(baseFromClient.migrateFlushMark, {});
      if ((flags & 2) === 0) this.#carry(port);
    } else if (type === baseFromServer.migrateData.type) {
      this.#there?.channel.send(baseFromClient.migrateData, { data: body });
      this.#carry(port);
    }
  }

  #carry(before: PortChannel): void {
    const port = this.#takeThere();
    if (port !== undefined) this.#line?.carry(port);
    before.channel.destroy();
  }

  /** The port at the destination, which counts from now on. */
  #takeThere(): PortChannel | undefined {
    const port = this.#there;
    this.#there = undefined;
    if (port === undefined || port.channel.closed) return undefined;
    this.#follow(port);
    return port;
  }

  /** Mostly because the session ends, which shows at once. */
  #closed(): void {
    this.#options.onState({ state: 'connecting' });
    this.#again();
  }

  #again(): number {
    const retryInMs = this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#timer = this.#options.clock.after(retryInMs, () => void this.open());
    return retryInMs;
  }

  #failed(reason: unknown): void {
    if (this.#stop.signal.aborted) return;
    const error = reason instanceof OffhookError ? reason : closedByServer(reason);
    if (FINAL.some((code) => isOffhookError(error, code))) {
      this.#refused = isOffhookError(error, 'spice-permission-denied');
      this.#options.onState({ state: 'refused', error });
    } else {
      this.#options.onState({ state: 'waiting', error, retryInMs: this.#again() });
    }
  }
}

function closedByServer(cause?: unknown): OffhookError {
  return new OffhookError('channel', 'closed', 'the SPICE server closed the port', { cause });
}
