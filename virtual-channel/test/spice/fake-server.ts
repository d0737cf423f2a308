import { createServer, type Server, type Socket } from 'node:net';
import { announcedLength, LINK_HEADER_BYTES } from '../../src/spice/link.ts';
import { mainFromServer } from '../../src/spice/messages.ts';
import { encodeBody, type Fields, type Layout } from '../../src/spice/layout.ts';
import {
  decodeLinkRequest,
  encodeLinkReply,
  ENCRYPTED_TICKET_BYTES,
  TicketKey,
  type ViewerRequest,
} from '../../src/spice/proxy/link-server.ts';
import { SocketReader } from '../../src/socket-reader.ts';
import { encodeChannelsList, type ChannelRef } from '../../src/spice/session.ts';

export interface FakeServerOptions {
  /** Instead of the whole link stage. */
  readonly link?: (socket: Socket) => void;
  /** After the link stage. */
  readonly serve?: (socket: Socket, request: ViewerRequest) => void;
}

/** A SPICE server without a desktop, for what a real one cannot be made to do. */
export class FakeServer {
  readonly sockets = new Set<Socket>();
  /** All that have connected so far. */
  connections = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ link, serve }: FakeServerOptions = {}): Promise<FakeServer> {
    const key = await TicketKey.create();
    const server = createServer();
    const fake = new FakeServer(server);
    server.on('connection', (socket) => {
      fake.connections += 1;
      fake.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => fake.sockets.delete(socket));
      if (link !== undefined) link(socket);
      else
        acceptLink(socket, key).then(
          (request) => serve?.(socket, request),
          () => socket.destroy(),
        );
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return fake;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** The link stage of a server, for any ticket. */
export async function acceptLink(socket: Socket, key: TicketKey): Promise<ViewerRequest> {
  const reader = new SocketReader(socket);
  const { signal } = new AbortController();
  const length = announcedLength(await reader.read(LINK_HEADER_BYTES, signal));
  const request = decodeLinkRequest(await reader.read(length, signal));
  socket.write(encodeLinkReply(key.publicKey, request.channelCaps));
  await reader.read(4 + ENCRYPTED_TICKET_BYTES, signal);
  reader.release();
  socket.write(Buffer.alloc(4));
  return request;
}

/** MAIN_INIT and CHANNELS_LIST, as after a viewer's first connection. */
export function sendMain(socket: Socket, channels: readonly ChannelRef[]): void {
  socket.write(
    message(mainFromServer.init, {
      sessionId: 4711,
      displayChannelsHint: 1,
      supportedMouseModes: 1,
      currentMouseMode: 1,
      agentConnected: 0,
      agentTokens: 10,
      multiMediaTime: 0,
      ramHint: 0,
    }),
  );
  socket.write(frame(mainFromServer.channelsList.type, encodeChannelsList(channels)));
}

export function message<L extends Layout>(
  row: { readonly type: number; readonly body: L },
  fields: Fields<L>,
): Buffer {
  return frame(row.type, encodeBody(row.body, fields));
}

export function frame(type: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt16LE(type, 0);
  header.writeUInt32LE(body.length, 2);
  return Buffer.concat([header, body]);
}
