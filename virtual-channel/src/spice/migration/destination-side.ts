import { OffhookError } from '@offhook/common';
import { baseFromClient, mainFromClient, mainFromServer } from '../messages.ts';
import { linkPort, type PortChannel } from '../port.ts';
import { joinSession, type SessionOptions } from '../session.ts';
import type { SpiceSource } from '../source.ts';
import type { SpiceChannel } from '../spice-channel.ts';
import type { MigrationInput, MovedChannel } from './machine.ts';

export interface DestinationOptions {
  readonly source: SpiceSource;
  readonly sessionId: number;
  readonly portId: number;
  /** Milliseconds for each connection and link. */
  readonly timeoutMs: number;
  readonly onInput: (input: MigrationInput, error?: Error) => void;
}

/** The channels that we have at the server a desktop moves to, as long as it has not arrived. */
export class DestinationSide {
  readonly #options: DestinationOptions;
  readonly #stop = new AbortController();
  readonly #watching: (() => void)[] = [];
  #main: SpiceChannel | undefined;
  #port: PortChannel | undefined;

  constructor(options: DestinationOptions) {
    this.#options = options;
  }

  /** Leads to `main-linked` or `destination-failed`. */
  linkMain(): void {
    void this.#link('main-linked', async (options) => {
      const main = await joinSession(options, this.#options.sessionId);
      this.#main = main;
      this.#watching.push(
        main.on('message', ({ type }) => {
          const { migrateDstSeamlessAck, migrateDstSeamlessNack } = mainFromServer;
          const accepted = type === migrateDstSeamlessAck.type;
          if (accepted || type === migrateDstSeamlessNack.type)
            this.#options.onInput({ kind: 'seamless-answer', accepted });
        }),
      );
      return main;
    });
  }

  /** Leads to `port-linked` or `destination-failed`. */
  linkPort(): void {
    void this.#link('port-linked', async (options) => {
      const { sessionId, portId } = this.#options;
      this.#port = await linkPort(options, sessionId, portId);
      return this.#port.channel;
    });
  }

  askSeamless(sourceVersion: number): void {
    this.#main?.send(mainFromClient.migrateDstDoSeamless, { sourceVersion });
  }

  /** What the source's server has to say to this one of that channel. */
  sendData(channel: MovedChannel, data: Uint8Array): void {
    const to = channel === 'main' ? this.#main : this.#port?.channel;
    to?.send(baseFromClient.migrateData, { data });
  }

  /** The port, while both ends may still fail. */
  get port(): PortChannel {
    return this.#linked(this.#port);
  }

  /** Hands over the channels: nothing more is reported of them. */
  release(): { main: SpiceChannel; port: PortChannel } {
    for (const off of this.#watching.splice(0)) off();
    return { main: this.#linked(this.#main), port: this.port };
  }

  /** Idempotent. */
  drop(): void {
    for (const off of this.#watching.splice(0)) off();
    this.#stop.abort(new OffhookError('channel', 'closed', 'the destination is not needed'));
    this.#main?.destroy();
    this.#port?.channel.destroy();
  }

  async #link(
    done: 'main-linked' | 'port-linked',
    connect: (options: SessionOptions) => Promise<SpiceChannel>,
  ): Promise<void> {
    const { source, timeoutMs, onInput } = this.#options;
    const { signal } = this.#stop;
    const failed = (error: Error | undefined) => onInput({ kind: 'destination-failed' }, error);
    let channel: SpiceChannel;
    try {
      channel = await connect({ source, timeoutMs, signal });
    } catch (error) {
      if (!signal.aborted) failed(error instanceof Error ? error : undefined);
      return;
    }
    if (signal.aborted) {
      channel.destroy();
      return;
    }
    this.#watching.push(channel.on('close', failed));
    if (channel.closed) failed(undefined);
    else onInput({ kind: done });
  }

  #linked<T>(part: T | undefined): T {
    if (part === undefined) throw new Error('the destination is not linked');
    return part;
  }
}
