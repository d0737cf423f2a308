import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { RtpSockets, TransportAddress } from '../../src/media-plane.ts';

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly seq: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  readonly raw: Buffer;
  readonly at: number;
}

export function parseRtp(raw: Buffer): RtpPacket {
  return {
    payloadType: raw.readUInt8(1) & 0x7f,
    marker: (raw.readUInt8(1) & 0x80) !== 0,
    seq: raw.readUInt16BE(2),
    timestamp: raw.readUInt32BE(4),
    ssrc: raw.readUInt32BE(8),
    payload: raw.subarray(12),
    raw,
    at: performance.now(),
  };
}

export function writeRtp(packet: {
  payloadType: number;
  marker?: boolean;
  seq: number;
  timestamp: number;
  ssrc: number;
  payload: Uint8Array;
}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(0x80, 0);
  header.writeUInt8(packet.payloadType | (packet.marker === true ? 0x80 : 0), 1);
  header.writeUInt16BE(packet.seq & 0xffff, 2);
  header.writeUInt32BE(packet.timestamp >>> 0, 4);
  header.writeUInt32BE(packet.ssrc >>> 0, 8);
  return Buffer.concat([header, packet.payload]);
}

/** A bare pair of UDP sockets as the far end of a leg: sends what it is told, keeps what it gets. */
export class RtpPeer implements AsyncDisposable {
  readonly rtp: Buffer[] = [];
  readonly rtcp: Buffer[] = [];
  readonly sources: TransportAddress[] = [];
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  readonly #waiting = new Set<() => void>();

  private constructor(rtp: Socket, rtcp: Socket) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtp.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.rtp.push(bytes);
      this.sources.push({ address: from.address, port: from.port });
      this.#wake();
    });
    rtcp.on('message', (bytes: Buffer) => {
      this.rtcp.push(bytes);
      this.#wake();
    });
  }

  static async open(address = '127.0.0.1'): Promise<RtpPeer> {
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const sockets = [createSocket(type), createSocket(type)] as const;
    await Promise.all(
      sockets.map(async (socket) => {
        socket.bind(0, address);
        await once(socket, 'listening');
      }),
    );
    return new RtpPeer(...sockets);
  }

  get sockets(): RtpSockets {
    return { id: 'peer', rtp: address(this.#rtp), rtcp: address(this.#rtcp) };
  }

  packets(): readonly RtpPacket[] {
    return this.rtp.map(parseRtp);
  }

  send(bytes: Buffer, to: TransportAddress): void {
    this.#rtp.send(bytes, to.port, to.address);
  }

  sendRtcp(bytes: Buffer, to: TransportAddress): void {
    this.#rtcp.send(bytes, to.port, to.address);
  }

  /** Until `test` holds, asked after each packet; rejects after `ms`. */
  async until(what: string, test: () => boolean, ms = 5000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
    const check = () => {
      if (test()) resolve();
    };
    this.#waiting.add(check);
    check();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#rtp.close();
    this.#rtcp.close();
    return Promise.resolve();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }
}

function address(socket: Socket): TransportAddress {
  const { address: host, port } = socket.address();
  return { address: host, port };
}
