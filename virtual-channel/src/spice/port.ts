import { OffhookError } from '@offhook/common';
import { decodeBody } from './layout.ts';
import { ChannelType, PortEvent, portFromServer } from './messages.ts';
import { linkChannel, type SessionOptions, type SpiceSession } from './session.ts';
import type { SpiceChannel } from './spice-channel.ts';

/** Who has what a port says. */
export interface PortSink {
  /** The guest has opened or closed its end. */
  opened(isOpen: boolean): void;
  /** Valid until it returns. */
  data(bytes: Uint8Array): void;
  /** The server takes more. */
  drained(): void;
}

/** A port channel that is linked. What comes while it has no sink waits, and the server with it. */
export class PortChannel {
  readonly channel: SpiceChannel;
  /** Its name, when PORT_INIT has come; undefined when it does not, because another client has it. */
  readonly named: Promise<string | undefined>;
  readonly #named = Promise.withResolvers<string | undefined>();
  #sink: PortSink | undefined;
  #open = false;
  #early: Uint8Array[] = [];

  constructor(channel: SpiceChannel, timeoutMs: number) {
    this.channel = channel;
    this.named = this.#named.promise;
    const deadline = setTimeout(() => this.#named.resolve(undefined), timeoutMs);
    void this.named.then(() => clearTimeout(deadline));
    channel.onDrain(() => this.#sink?.drained());
    channel.on('message', ({ type, body }) => this.#message(type, body));
    channel.on('close', () => this.#named.resolve(undefined));
  }

  /** The guest has its end open. */
  get open(): boolean {
    return this.#open;
  }

  attach(sink: PortSink | undefined): void {
    this.#sink = sink;
    if (sink === undefined || this.#early.length === 0) return;
    // Not in this turn: the sink is to begin first.
    queueMicrotask(() => this.#deliverEarly());
  }

  #deliverEarly(): void {
    for (const bytes of this.#early.splice(0)) this.#sink?.data(bytes);
    this.channel.resume();
  }

  #message(type: number, body: Uint8Array): void {
    if (type === portFromServer.data.type) {
      this.#data(body);
    } else if (type === portFromServer.init.type) {
      const init = decodeBody('PORT_INIT', portFromServer.init.body, body);
      this.#named.resolve(Buffer.from(init.name).toString('utf8').replace(/\0$/, ''));
      // Nothing is news in that it is closed: a port that was carried over may hear of it late.
      if (init.opened !== 0) this.#opened(true);
    } else if (type === portFromServer.event.type) {
      const { event } = decodeBody('PORT_EVENT', portFromServer.event.body, body);
      if (event === PortEvent.opened) this.#opened(true);
      else if (event === PortEvent.closed) this.#opened(false);
    }
  }

  #data(body: Uint8Array): void {
    if (this.#sink !== undefined && this.#early.length === 0) {
      this.#sink.data(body);
      return;
    }
    this.#early.push(body.slice());
    this.channel.pause();
  }

  #opened(isOpen: boolean): void {
    this.#open = isOpen;
    this.#sink?.opened(isOpen);
  }
}

export interface PortOptions extends SessionOptions {
  /** The name of the chardev, e.g. `org.offhook.engine.0`. */
  readonly name: string;
}

/**
 * Links the session's port channels one after another until one has that name (the channel list
 * tells no names; only PORT_INIT does).
 *
 * @throws OffhookError `channel/spice-no-port`, listing the ports that are there;
 * `channel/spice-port-busy` when a port shows no PORT_INIT: another client holds it.
 */
export async function openPort(
  session: Pick<SpiceSession, 'sessionId' | 'channels'>,
  options: PortOptions,
): Promise<PortChannel> {
  const found: string[] = [];
  let silent = 0;
  for (const ref of session.channels.filter((entry) => entry.type === ChannelType.port)) {
    const port = await linkPort(options, session.sessionId, ref.id);
    const name = await port.named;
    if (name === options.name) return port;
    port.channel.destroy();
    if (name === undefined) silent += 1;
    else found.push(name);
  }
  if (silent > 0 && !found.includes(options.name)) {
    throw new OffhookError(
      'channel',
      'spice-port-busy',
      `another SPICE client holds a port of this desktop; ${options.name} is not free`,
      { remedy: 'close the other viewer or engine' },
    );
  }
  throw new OffhookError(
    'channel',
    'spice-no-port',
    `the desktop has no SPICE port ${options.name} (${found.length === 0 ? 'it has none' : `it has ${found.join(', ')}`})`,
    { remedy: 'add the port to the VM, see docs/install-host.md' },
  );
}

/** Links one port of a session. */
export async function linkPort(
  options: SessionOptions,
  sessionId: number,
  id: number,
): Promise<PortChannel> {
  const channel = await linkChannel(options, {
    connectionId: sessionId,
    channelType: ChannelType.port,
    channelId: id,
    channelCaps: [],
  });
  return new PortChannel(channel, options.timeoutMs);
}
