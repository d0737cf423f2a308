import { createSocket, type Socket } from 'node:dgram';

const HOST = '127.0.0.1';
/** RFC 3550 §5.1, without contributing sources. */
const RTP_HEADER = 12;

/** Codecs of the benchmarks with the payload types they are offered by. */
export const codecs = {
  PCMA: { payloadType: 8, rtpmap: 'PCMA/8000' },
  G722: { payloadType: 9, rtpmap: 'G722/8000' },
  opus: { payloadType: 111, rtpmap: 'opus/48000/2' },
} as const;

export type BenchCodec = keyof typeof codecs;

/**
 * The far end's media: sends each RTP packet back where it came from, as a stream of its own
 * (another SSRC), so that both directions carry real audio of the codec at no cost of a codec here.
 * With a `voice` that is what comes back, in place of what was sent: in a conference everybody would
 * hear everybody's echo otherwise.
 */
export class Reflector {
  readonly #socket: Socket;
  #packets = 0;

  private constructor(socket: Socket, voice: Uint8Array | undefined) {
    this.#socket = socket;
    socket.on('message', (packet, from) => {
      if (packet.length < RTP_HEADER) return;
      this.#packets++;
      if (voice !== undefined)
        packet.set(voice.subarray(0, packet.length - RTP_HEADER), RTP_HEADER);
      packet.writeUInt32BE((packet.readUInt32BE(8) ^ 0x5a5a5a5a) >>> 0, 8);
      socket.send(packet, from.port, from.address);
    });
  }

  /** `voice`: the payload of a packet, in the codec of the call. */
  static async open(voice?: Uint8Array): Promise<Reflector> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject);
    socket.bind(0, HOST, resolve);
    await promise;
    return new Reflector(socket, voice);
  }

  /** Packets reflected so far. */
  get packets(): number {
    return this.#packets;
  }

  /** An offer of one codec with this reflector as the media address. */
  offer(codec: BenchCodec): string {
    const { payloadType, rtpmap } = codecs[codec];
    return [
      'v=0',
      `o=- 1 1 IN IP4 ${HOST}`,
      's=-',
      `c=IN IP4 ${HOST}`,
      't=0 0',
      `m=audio ${this.#socket.address().port} RTP/AVP ${payloadType}`,
      `a=rtpmap:${payloadType} ${rtpmap}`,
      'a=ptime:20',
      'a=sendrecv',
      '',
    ].join('\r\n');
  }

  close(): void {
    this.#socket.close();
  }
}
