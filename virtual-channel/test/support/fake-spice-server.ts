import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { withDeadline } from '@offhook/common';
import { decodeBody, encodeBody, type Fields, type Layout } from '../../src/spice/layout.ts';
import {
  ChannelType,
  CommonCap,
  mainFromClient,
  mainFromServer,
  portFromServer,
} from '../../src/spice/messages.ts';

interface Row<L extends Layout> {
  readonly type: number;
  readonly body: L;
}

const keys = generateKeyPairSync('rsa', { modulusLength: 1024 });
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });

/** Code 7 of SPICE_LINK_ERR_*. */
const PERMISSION_DENIED = 7;

/** Where a server can fail a client that links and opens a port, in this order. */
export const LINK_STEPS = [
  'connection',
  'link reply',
  'authentication',
  'MAIN_INIT',
  'CHANNELS_LIST',
  'port link',
  'PORT_INIT',
] as const;
export type LinkStep = (typeof LINK_STEPS)[number];

export interface FakeServerOptions {
  /** What it does at that step instead of what it should: nothing, close, or send these bytes. */
  readonly fails?: { readonly at: LinkStep; readonly by: 'silence' | 'closing' | Uint8Array };
  readonly ticket?: string;
  readonly portName?: string;
  /** What PORT_INIT says of the guest's end; true. */
  readonly opened?: boolean;
}

/** One channel of a client, after its link. */
export class FakeChannel {
  readonly type: number;
  readonly id: number;
  readonly connectionId: number;
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;
  readonly #messages: { type: number; body: Buffer }[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #tap: { type: number; take: (body: Buffer) => void } | undefined;

  constructor(socket: Socket, type: number, id: number, connectionId: number) {
    this.#socket = socket;
    this.type = type;
    this.id = id;
    this.connectionId = connectionId;
    this.closed = once(socket, 'close');
  }

  send<L extends Layout>(row: Row<L>, fields: Fields<L>): void {
    this.sendRaw(row.type, encodeBody(row.body, fields));
  }

  sendRaw(type: number, body: Uint8Array, size = body.length): void {
    const header = Buffer.alloc(6);
    header.writeUInt16LE(type);
    header.writeUInt32LE(size, 2);
    this.#socket.write(Buffer.concat([header, body]));
  }

  /** The next message of that type; others are passed over, and kept. */
  async next<L extends Layout>(what: string, row: Row<L>): Promise<Fields<L>> {
    return withDeadline({ layer: 'system', what, ms: 3000 }, async () => {
      for (;;) {
        const index = this.#messages.findIndex(({ type }) => type === row.type);
        const [found] = index < 0 ? [] : this.#messages.splice(index, 1);
        if (found !== undefined) return decodeBody(what, row.body, found.body);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    });
  }

  /** Takes every message of that type, from the first on. */
  tap<L extends Layout>(row: Row<L>, take: (fields: Fields<L>) => void): void {
    this.#tap = { type: row.type, take: (body) => take(decodeBody('tapped', row.body, body)) };
    this.#offerToTap();
  }

  #offerToTap(): void {
    const tap = this.#tap;
    if (tap === undefined) return;
    for (;;) {
      const index = this.#messages.findIndex(({ type }) => type === tap.type);
      const [found] = index < 0 ? [] : this.#messages.splice(index, 1);
      if (found === undefined) return;
      tap.take(found.body);
    }
  }

  /** Types that came and nobody has asked for. */
  get unread(): number[] {
    return this.#messages.map(({ type }) => type);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** What was sent has room in the sockets between us and the client. */
  get writable(): boolean {
    return !this.#socket.destroyed && this.#socket.writableLength < 1024 * 1024;
  }

  /** What was sent is gone, or is not going at the moment. */
  async flushed(): Promise<void> {
    if (this.#socket.writableLength === 0) return;
    await once(this.#socket, 'drain', { signal: AbortSignal.timeout(100) }).catch(() => undefined);
  }

  /** Takes nothing any more. */
  stall(): void {
    this.#socket.pause();
  }

  /** As a network does that breaks. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 6) {
      const end = 6 + this.#buffer.readUInt32LE(2);
      if (this.#buffer.length < end) return;
      const type = this.#buffer.readUInt16LE();
      this.#messages.push({ type, body: this.#buffer.subarray(6, end) });
      this.#buffer = this.#buffer.subarray(end);
    }
    this.#offerToTap();
    this.#wake?.();
  }
}

/** A SPICE server with a main channel and one port, which does and says what a test tells it. */
export class FakeSpiceServer {
  readonly sessionId = 0x5e55;
  readonly #options: FakeServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #linked: FakeChannel[] = [];
  #wake: (() => void) | undefined;
  #links = 0;

  private constructor(options: FakeServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      void this.#link(socket);
    });
  }

  static async start(options: FakeServerOptions = {}): Promise<FakeSpiceServer> {
    const server = new FakeSpiceServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections so far. */
  get links(): number {
    return this.#links;
  }

  /** The next channel of that kind that a client has linked. */
  channel(kind: 'main' | 'port'): Promise<FakeChannel> {
    const type = ChannelType[kind];
    return withDeadline({ layer: 'system', what: `a ${kind} channel`, ms: 3000 }, async () => {
      for (;;) {
        const index = this.#linked.findIndex((channel) => channel.type === type);
        const [found] = index < 0 ? [] : this.#linked.splice(index, 1);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    });
  }

  /** Cuts everything, and listens no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** True when it fails here, and has. */
  #fails(at: LinkStep, socket: Socket): boolean {
    const { fails } = this.#options;
    if (fails?.at !== at) return false;
    if (fails.by === 'closing') socket.end();
    else if (fails.by !== 'silence') socket.write(fails.by);
    return true;
  }

  async #link(socket: Socket): Promise<void> {
    this.#links += 1;
    if (this.#fails('connection', socket)) return;
    const read = reader(socket);
    const header = await read(16);
    const request = await read(header.readUInt32LE(12));
    const [connectionId, type, id] = [request.readUInt32LE(0), request[4] ?? 0, request[5] ?? 0];
    if (this.#fails('link reply', socket)) return;
    if (type === ChannelType.port && this.#fails('port link', socket)) return;
    socket.write(linkReply());
    await read(4);
    const ticket = privateDecrypt(
      { key: keys.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      await read(128),
    ).toString('utf8');
    const { ticket: wanted = '' } = this.#options;
    if (this.#fails('authentication', socket)) return;
    const code = Buffer.alloc(4);
    code.writeUInt32LE(ticket === `${wanted}\0` ? 0 : PERMISSION_DENIED);
    socket.write(code);
    const channel = new FakeChannel(socket, type, id, connectionId);
    read.rest((chunk) => this.#received(channel, chunk, socket));
    const greeting = type === ChannelType.port ? 'PORT_INIT' : 'MAIN_INIT';
    if (!this.#fails(greeting, socket)) this.#greet(channel);
    this.#linked.push(channel);
    this.#wake?.();
  }

  #greet(channel: FakeChannel): void {
    const { portName = 'org.offhook.engine.0', opened = true } = this.#options;
    if (channel.type === ChannelType.port) {
      channel.send(portFromServer.init, {
        name: Buffer.from(`${portName}\0`),
        opened: opened ? 1 : 0,
      });
    } else if (channel.connectionId === 0) {
      channel.send(mainFromServer.init, { ...INIT, sessionId: this.sessionId });
    }
  }

  #received(channel: FakeChannel, chunk: Buffer, socket: Socket): void {
    const before = channel.unread.length;
    channel.receive(chunk);
    const { attachChannels } = mainFromClient;
    const attached = channel.unread.slice(before).includes(attachChannels.type);
    if (attached && !this.#fails('CHANNELS_LIST', socket)) {
      const channels = Uint8Array.of(ChannelType.port, 0);
      channel.send(mainFromServer.channelsList, { count: 1, channels });
    }
  }
}

const INIT = {
  displayChannelsHint: 1,
  supportedMouseModes: 1,
  currentMouseMode: 1,
  agentConnected: 0,
  agentTokens: 10,
  multiMediaTime: 0,
  ramHint: 0,
};

function linkReply(): Buffer {
  const caps =
    (1 << CommonCap.authSelection) | (1 << CommonCap.authSpice) | (1 << CommonCap.miniHeader);
  const body = Buffer.alloc(4 + 162 + 12 + 4);
  publicKey.copy(body, 4);
  body.writeUInt32LE(1, 166);
  body.writeUInt32LE(0, 170);
  body.writeUInt32LE(178, 174);
  body.writeUInt32LE(caps, 178);
  const header = Buffer.alloc(16);
  header.write('REDQ', 'latin1');
  header.writeUInt32LE(2, 4);
  header.writeUInt32LE(2, 8);
  header.writeUInt32LE(body.length, 12);
  return Buffer.concat([header, body]);
}

/** Exact counts of bytes from a socket; `rest` takes all that follows. */
function reader(socket: Socket) {
  let buffer = Buffer.alloc(0);
  let wake = () => undefined as void;
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    wake();
  });
  const read = async (count: number): Promise<Buffer> => {
    while (buffer.length < count) await new Promise<void>((resolve) => (wake = resolve));
    const bytes = buffer.subarray(0, count);
    buffer = buffer.subarray(count);
    return bytes;
  };
  read.rest = (take: (chunk: Buffer) => void) => {
    wake = () => {
      const all = buffer;
      buffer = Buffer.alloc(0);
      if (all.length > 0) take(all);
    };
    wake();
  };
  return read;
}
