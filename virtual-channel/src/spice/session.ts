import { isOffhookError, OffhookError } from '@offhook/common';
import { connectSocket, withDefaults, type ConnectedSocket } from '../connect.ts';
import { hostPort } from '../address.ts';
import { SocketChannel } from '../socket-channel.ts';
import { decodeBody, encodeBody } from './layout.ts';
import { openTunnel } from './http-proxy.ts';
import type { LinkRequest } from './link.ts';
import { ChannelType, MainCap, mainFromClient, mainFromServer } from './messages.ts';
import { SpiceChannel } from './spice-channel.ts';
import type { SpiceSource } from './source.ts';

export interface ChannelRef {
  readonly type: number;
  readonly id: number;
}

export interface SessionOptions {
  readonly source: SpiceSource;
  /** Milliseconds for each connection and link. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A SPICE session: its main channel, and what the server offers beside it. */
export interface SpiceSession {
  readonly main: SpiceChannel;
  readonly sessionId: number;
  readonly channels: readonly ChannelRef[];
}

/** spice-server takes seamless migration only from who counts agent tokens over connections as well. */
const MAIN_CAPS = [
  MainCap.semiSeamlessMigrate,
  MainCap.nameAndUuid,
  MainCap.agentConnectedTokens,
  MainCap.seamlessMigrate,
];

/** Links the main channel of a session that stands at another server: the first step of a migration. */
export function joinSession(options: SessionOptions, sessionId: number): Promise<SpiceChannel> {
  return linkChannel(options, {
    connectionId: sessionId,
    channelType: ChannelType.main,
    channelId: 0,
    channelCaps: MAIN_CAPS,
  });
}

/** Opens the main channel and waits for the list of channels (MAIN_INIT, ATTACH, CHANNELS_LIST). */
export async function openSession(options: SessionOptions): Promise<SpiceSession> {
  const main = await linkChannel(options, {
    connectionId: 0,
    channelType: ChannelType.main,
    channelId: 0,
    channelCaps: MAIN_CAPS,
  });
  const { promise, resolve, reject } = Promise.withResolvers<SpiceSession>();
  let sessionId = 0;
  const offMessage = main.on('message', (message) => {
    if (message.type === mainFromServer.init.type) {
      sessionId = decodeBody('MAIN_INIT', mainFromServer.init.body, message.body).sessionId;
      main.send(mainFromClient.attachChannels, {});
    } else if (message.type === mainFromServer.channelsList.type) {
      resolve({ main, sessionId, channels: readChannelsList(message.body) });
    }
  });
  const offClose = main.on('close', (error) =>
    reject(error ?? new OffhookError('channel', 'closed', 'the SPICE server closed the session')),
  );
  const deadline = setTimeout(
    () =>
      main.destroy(new OffhookError('channel', 'timeout', 'the SPICE server lists no channels')),
    options.timeoutMs,
  );
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    offMessage();
    offClose();
  }
}

/**
 * Connects and links one channel: by TLS where there is a TLS port, unless the server wants that
 * channel without and the source leaves it open.
 */
export async function linkChannel(
  options: SessionOptions,
  request: LinkRequest,
): Promise<SpiceChannel> {
  const { source, timeoutMs, signal } = options;
  return bySecurity(source, request.channelType, async (secure) => {
    const { socket, peer } = await connectSource(options, secure);
    const transport = new SocketChannel(socket, peer, withDefaults({}));
    const password = source.password;
    return SpiceChannel.link(transport, { ...request, password, timeoutMs, signal });
  });
}

/** The connection to the server itself, before any SPICE. */
export async function connectSource(
  { source, timeoutMs, signal }: SessionOptions,
  secure: boolean,
  { highWaterMark }: { readonly highWaterMark?: number } = {},
): Promise<ConnectedSocket> {
  const { host, proxy, port: plainPort, tlsPort } = source;
  const port = (secure ? tlsPort : plainPort) ?? 0;
  const through =
    proxy === undefined
      ? undefined
      : await openTunnel(proxy, { host, port }, { timeoutMs, signal });
  return connectSocket(`${secure ? 'tls' : 'tcp'}:${hostPort(host, port)}`, {
    timeoutMs,
    signal,
    through,
    highWaterMark,
    tls: {
      ...(source.ca === undefined ? {} : { ca: source.ca }),
      ...(source.hostSubject === undefined ? {} : { serverSubject: source.hostSubject }),
    },
  });
}

/** Runs a link with TLS, without, or first with and then without, as the source and server allow. */
export async function bySecurity<T>(
  source: SpiceSource,
  channelType: number,
  link: (secure: boolean) => Promise<T>,
): Promise<T> {
  if (source.tlsPort === undefined) return link(false);
  try {
    return await link(true);
  } catch (error) {
    const mayBePlain = source.port !== undefined && !mustBeSecure(source, channelType);
    if (mayBePlain && isOffhookError(error, 'spice-need-unsecured')) return link(false);
    throw error;
  }
}

function mustBeSecure(source: SpiceSource, channelType: number): boolean {
  const name = Object.entries(ChannelType).find(([, type]) => type === channelType)?.[0];
  return source.secureChannels.some((entry) => entry === 'all' || entry === name);
}

/** @throws OffhookError `channel/spice-malformed`. */
export function readChannelsList(body: Uint8Array): ChannelRef[] {
  const { count, channels } = decodeBody('CHANNELS_LIST', mainFromServer.channelsList.body, body);
  if (channels.length < 2 * count) {
    throw new OffhookError('channel', 'spice-malformed', 'CHANNELS_LIST is shorter than it says');
  }
  return Array.from({ length: count }, (_, index) => ({
    type: channels[2 * index] ?? 0,
    id: channels[2 * index + 1] ?? 0,
  }));
}

export function encodeChannelsList(channels: readonly ChannelRef[]): Uint8Array {
  return encodeBody(mainFromServer.channelsList.body, {
    count: channels.length,
    channels: Uint8Array.from(channels.flatMap(({ type, id }) => [type, id])),
  });
}
