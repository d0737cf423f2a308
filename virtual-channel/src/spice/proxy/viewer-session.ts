import type { Socket } from 'node:net';
import type { Clock, Logger } from '@offhook/common';
import type { Channel } from '../../channel.ts';
import { decodeBody } from '../layout.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { ChannelType, mainFromServer } from '../messages.ts';
import { encodeChannelsList, readChannelsList, type ChannelRef } from '../session.ts';
import type { SpiceSource } from '../source.ts';
import type { SpiceMessage } from '../spice-channel.ts';
import { MessageFilter } from './message-filter.ts';
import { relay } from './relay.ts';
import { SessionPort } from './session-port.ts';

export interface ViewerSessionOptions {
  readonly portName: string;
  readonly source: () => SpiceSource;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Which of the desktop's ports was ours the last time. */
  readonly likelyPort: number | undefined;
  readonly onPortFound: (id: number) => void;
  readonly onChannel: (channel: Channel) => void;
  readonly onState: (state: SpiceLinkState) => void;
}

const PASS_ON = undefined;

/**
 * A viewer's main channel, and our port beside it. The port is taken out of the list of channels that
 * the viewer sees; which of the ports is ours only shows when they are opened, so the list waits.
 */
export class ViewerSession {
  readonly #options: ViewerSessionOptions;
  #sessionId = 0;
  #port: SessionPort | undefined;

  constructor(options: ViewerSessionOptions) {
    this.#options = options;
  }

  /** Passes the main channel on; resolves when it is gone, and our port with it. */
  async run(viewer: Socket, server: Socket): Promise<void> {
    const watched = [mainFromServer.init.type, mainFromServer.channelsList.type];
    await relay(viewer, server, {
      toViewer: new MessageFilter(watched, (message) => this.#fromServer(message)),
      toServer: new MessageFilter([], () => Promise.resolve(PASS_ON)),
    });
    this.#port?.close();
  }

  sourceChanged(): void {
    this.#port?.sourceChanged();
  }

  async #fromServer({ type, body }: SpiceMessage): Promise<Uint8Array | undefined> {
    if (type === mainFromServer.init.type) {
      this.#sessionId = decodeBody('MAIN_INIT', mainFromServer.init.body, body).sessionId;
      return PASS_ON;
    }
    const channels = readChannelsList(body);
    const ours = await this.#openPort(channels);
    if (ours === undefined) return PASS_ON;
    return encodeChannelsList(
      channels.filter(({ type: kind, id }) => kind !== ChannelType.port || id !== ours),
    );
  }

  #openPort(channels: readonly ChannelRef[]): Promise<number | undefined> {
    const { likelyPort, onPortFound, portName, ...rest } = this.#options;
    const likely = (ref: ChannelRef) => (ref.id === likelyPort ? 0 : 1);
    this.#port?.close();
    this.#port = new SessionPort({
      ...rest,
      name: portName,
      sessionId: this.#sessionId,
      channels: channels.toSorted((left, right) => likely(left) - likely(right)),
    });
    return this.#port.open().then((id) => {
      if (id !== undefined) onPortFound(id);
      return id;
    });
  }
}
