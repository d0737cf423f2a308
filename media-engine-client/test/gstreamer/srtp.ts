import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * SRTP (RFC 3711) once more and independently of libsrtp, to check what the worker sends
 * and to send to it: session
 * keys by §4.3, AES in counter mode by §4.1.1, HMAC-SHA1 by §4.2.
 */
export class SrtpReader {
  readonly #cipherKey: Buffer;
  readonly #authKey: Buffer;
  readonly #salt: Buffer;
  readonly #cipher: 'aes-128-ctr' | 'aes-256-ctr';
  readonly #tag: number;

  constructor(suite: string, keySalt: Uint8Array) {
    const keyLength = suite.startsWith('AES_256') ? 32 : 16;
    this.#cipher = keyLength === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
    this.#tag = suite.endsWith('_32') ? 4 : 10;
    const key = Buffer.from(keySalt).subarray(0, keyLength);
    const salt = Buffer.from(keySalt).subarray(keyLength);
    const derive = (label: number, length: number) => {
      const iv = Buffer.alloc(16);
      salt.copy(iv);
      iv.writeUInt8(iv.readUInt8(7) ^ label, 7);
      return createCipheriv(this.#cipher, key, iv).update(Buffer.alloc(length));
    };
    this.#cipherKey = derive(0, keyLength);
    this.#authKey = derive(1, 20);
    this.#salt = derive(2, 14);
  }

  /** The payload, or undefined when the packet was not made with this key and roll-over counter. */
  open(packet: Buffer, rollOver: number): Buffer | undefined {
    const body = packet.subarray(0, packet.length - this.#tag);
    const mac = this.#mac(body, rollOver);
    return timingSafeEqual(mac, packet.subarray(-this.#tag))
      ? this.#payload(body, rollOver)
      : undefined;
  }

  /** The other way round: a packet for a receiver with this key. */
  seal(packet: Buffer, rollOver: number): Buffer {
    const body = Buffer.concat([packet.subarray(0, 12), this.#payload(packet, rollOver)]);
    return Buffer.concat([body, this.#mac(body, rollOver)]);
  }

  #mac(body: Buffer, rollOver: number): Buffer {
    const roc = Buffer.alloc(4);
    roc.writeUInt32BE(rollOver);
    const mac = createHmac('sha1', this.#authKey).update(body).update(roc).digest();
    return mac.subarray(0, this.#tag);
  }

  /** Deciphered or enciphered, which is the same in counter mode. */
  #payload(packet: Buffer, rollOver: number): Buffer {
    const iv = Buffer.alloc(16);
    this.#salt.copy(iv);
    const xor = Buffer.alloc(16);
    packet.copy(xor, 4, 8, 12); // SSRC
    xor.writeUInt32BE(rollOver, 8);
    packet.copy(xor, 12, 2, 4); // sequence number
    for (let at = 0; at < 16; at++) iv.writeUInt8(iv.readUInt8(at) ^ xor.readUInt8(at), at);
    return createCipheriv(this.#cipher, this.#cipherKey, iv).update(packet.subarray(12));
  }
}

/** The SRTCP index of a packet (RFC 3711 §3.4), without the flag in front and the tag behind it. */
export function rtcpIndex(packet: Buffer): number {
  return packet.readUInt32BE(packet.length - 14) & 0x7fff_ffff;
}
