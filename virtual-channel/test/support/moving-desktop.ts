import { systemClock, withDeadline } from '@offhook/common';
import { onTestFinished } from 'vitest';
import type { Channel } from '../../src/channel.ts';
import { PortStream } from '../../src/port-stream.ts';
import type { MigrationNews } from '../../src/spice/connection.ts';
import { listenSpicePort, type SpiceLinkState, type SpiceSource } from '../../src/spice/index.ts';
import {
  mainFromClient,
  mainFromServer,
  portFromClient,
  portFromServer,
} from '../../src/spice/messages.ts';
import { FakeSpiceServer, type FakeChannel } from './fake-spice-server.ts';

export const NAME = 'org.offhook.engine.0';

export async function fakeServer(options: Parameters<typeof FakeSpiceServer.start>[0] = {}) {
  const server = await FakeSpiceServer.start(options);
  onTestFinished(() => server.stop());
  return server;
}

export class Log<T> {
  readonly items: T[] = [];
  #wake: (() => void) | undefined;
  add = (item: T) => {
    this.items.push(item);
    this.#wake?.();
  };
  /** The first that fits, now or later. */
  find<S extends T>(what: string, fits: (item: T) => item is S): Promise<S>;
  find(what: string, fits: (item: T) => boolean): Promise<T>;
  find(what: string, fits: (item: T) => boolean): Promise<T> {
    return withDeadline({ layer: 'system', what, ms: 3000 }, async () => {
      for (;;) {
        const found = this.items.find(fits);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    });
  }
}

/** A client at a fake server, its channels there, and what it has told. */
export async function linked(options: { ticket?: string } = {}) {
  const source = await fakeServer(options);
  const streams = new Log<{ channel: Channel; received: string; ended: string | undefined }>();
  const states = new Log<SpiceLinkState>();
  const news = new Log<MigrationNews>();
  const given: SpiceSource = {
    host: '127.0.0.1',
    port: source.port,
    password: options.ticket ?? '',
    secureChannels: [],
  };
  const listener = listenSpicePort({
    source: given,
    portName: NAME,
    clock: systemClock,
    timeoutMs: 1000,
    onState: states.add,
    onMigration: news.add,
    onChannel: (channel) => {
      const stream = { channel, received: '', ended: undefined as string | undefined };
      channel.on('data', (bytes) => (stream.received += Buffer.from(bytes).toString()));
      channel.on('close', (error) => (stream.ended = String(error)));
      streams.add(stream);
    },
  });
  onTestFinished(() => listener.close());
  const [main, port] = [await source.channel('main'), await source.channel('port')];
  await states.find('the link', ({ state }) => state === 'linked');
  const stream = await streams.find('a stream', () => true);
  return { source, given, listener, main, port, stream, streams, states, news };
}

export function toward(server: FakeSpiceServer) {
  return {
    port: server.port,
    securePort: 0xffff,
    host: Buffer.from('127.0.0.1\0'),
    certSubject: Buffer.from('\0'),
  };
}

export const text = (bytes: string) => ({ data: Buffer.from(bytes) });
export const nextText = async (port: FakeChannel) =>
  Buffer.from((await port.next('bytes on the port', portFromClient.data)).data).toString();

/** Waits until what a stream has received is that. */
export async function receives(stream: { channel: Channel; received: string }, wanted: string) {
  const got = Promise.withResolvers<void>();
  const look = () => {
    if (stream.received === wanted) got.resolve();
  };
  stream.channel.on('data', look);
  look();
  await withDeadline({ layer: 'system', what: `"${wanted}"`, ms: 3000 }, () => got.promise).catch(
    (error: unknown) => {
      throw new Error(`got "${stream.received}" instead of "${wanted}"`, { cause: error });
    },
  );
}

export async function beginSeamless(
  client: Awaited<ReturnType<typeof linked>>,
  to: FakeSpiceServer,
) {
  client.main.send(mainFromServer.migrateBeginSeamless, { ...toward(to), sourceVersion: 1 });
  const main = await to.channel('main');
  await main.next('the question', mainFromClient.migrateDstDoSeamless);
  main.send(mainFromServer.migrateDstSeamlessAck, {});
  const port = await to.channel('port');
  await client.main.next('CONNECTED_SEAMLESS', mainFromClient.migrateConnectedSeamless);
  return { main, port };
}

export async function beginSemiSeamless(
  client: Awaited<ReturnType<typeof linked>>,
  to: FakeSpiceServer,
) {
  client.main.send(mainFromServer.migrateBegin, toward(to));
  const [main, port] = [await to.channel('main'), await to.channel('port')];
  await client.main.next('CONNECTED', mainFromClient.migrateConnected);
  return { main, port };
}

/** What the source gets of a stream that is still the first one. */
export async function heardAtTheSource(
  client: Awaited<ReturnType<typeof linked>>,
): Promise<string> {
  client.stream.channel.write(Buffer.from('still here'));
  const heard = await nextText(client.port);
  return client.streams.items.length === 1 ? heard : 'there is another stream';
}

/** The guest's end of a port that moves with its desktop. */
export class GuestEnd extends PortStream {
  static at(port: FakeChannel): { end: GuestEnd; moveTo: (port: FakeChannel | undefined) => void } {
    let current: FakeChannel | undefined;
    const carrier = {
      buffered: 0,
      write: (data: Uint8Array) => {
        current?.send(portFromServer.data, { data });
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
    };
    const end = new GuestEnd(carrier, { transport: 'port', description: 'the guest' });
    const moveTo = (next: FakeChannel | undefined) => {
      current = next;
      next?.tap(portFromClient.data, ({ data }) => {
        if (current === next) end.receive(data);
      });
    };
    moveTo(port);
    return { end, moveTo };
  }
}
