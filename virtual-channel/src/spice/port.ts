import { OffhookError } from '@offhook/common';
import { decodeBody } from './layout.ts';
import { ChannelType, PortEvent, portFromClient, portFromServer } from './messages.ts';
import { PortStream, type PortCarrier } from '../port-stream.ts';
import { linkChannel, type SessionOptions, type SpiceSession } from './session.ts';
import type { SpiceChannel } from './spice-channel.ts';

/** A SPICE port channel that is linked and has told its name. */
export interface SpicePort {
  readonly channel: SpiceChannel;
  readonly name: string;
}

export interface PortOptions extends SessionOptions {
  /** The name of the chardev, e.g. `org.offhook.engine.0`. */
  readonly name: string;
  /** The guest opened its end (again); called in the turn in which the bytes may begin. */
  readonly onStream: (stream: PortStream) => void;
}

/**
 * Links the session's port channels one after another until one has that name (the channel list
 * tells no names; only PORT_INIT does).
 *
 * @throws OffhookError `channel/spice-no-port`, listing the ports that are there;
 * `channel/spice-port-busy` when a port shows no PORT_INIT: another client holds it.
 */
export async function openPort(session: SpiceSession, options: PortOptions): Promise<SpicePort> {
  const found: string[] = [];
  let silent = 0;
  for (const ref of session.channels.filter((entry) => entry.type === ChannelType.port)) {
    const channel = await linkChannel(options, {
      connectionId: session.sessionId,
      channelType: ref.type,
      channelId: ref.id,
      channelCaps: [],
    });
    const name = await followPort(channel, options);
    if (name === options.name) return { channel, name };
    channel.destroy();
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

/** Turns the port's events into streams; resolves with its name when PORT_INIT has come. */
function followPort(channel: SpiceChannel, options: PortOptions): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const deadline = setTimeout(() => resolve(undefined), options.timeoutMs);
  let stream: PortStream | undefined;
  let name = '';

  const carrier: PortCarrier = {
    get buffered() {
      return channel.buffered;
    },
    write: (bytes) => channel.send(portFromClient.data, { data: bytes }),
    pause: () => channel.pause(),
    resume: () => channel.resume(),
  };
  const opened = (isOpen: boolean) => {
    if (name !== options.name) return;
    stream?.end(guestClosedError(name));
    stream = undefined;
    if (!isOpen) return;
    stream = new PortStream(carrier, { transport: 'spice', description: `spice port ${name}` });
    options.onStream(stream);
  };

  channel.onDrain(() => stream?.drained());
  channel.on('message', ({ type, body }) => {
    if (type === portFromServer.data.type) {
      stream?.receive(body);
    } else if (type === portFromServer.init.type) {
      const init = decodeBody('PORT_INIT', portFromServer.init.body, body);
      name = Buffer.from(init.name).toString('utf8').replace(/\0$/, '');
      clearTimeout(deadline);
      resolve(name);
      opened(init.opened !== 0);
    } else if (type === portFromServer.event.type) {
      const { event } = decodeBody('PORT_EVENT', portFromServer.event.body, body);
      if (event === PortEvent.opened) opened(true);
      else if (event === PortEvent.closed) opened(false);
    }
  });
  channel.on('close', (error) => {
    clearTimeout(deadline);
    resolve(undefined);
    stream?.end(error);
  });
  return promise;
}

function guestClosedError(port: string): OffhookError {
  return new OffhookError('channel', 'guest-closed', `the guest closed the port ${port}`);
}
