import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * SRTP as RFC 3711 has it for AES counter mode and HMAC-SHA1, for one SSRC at a time: an
 * implementation apart from the product's, to check the product's packets with.
 */

export type Suite =
  | 'AES_CM_128_HMAC_SHA1_80'
  | 'AES_CM_128_HMAC_SHA1_32'
  | 'AES_256_CM_HMAC_SHA1_80';

const SALT_BYTES = 14;

interface SessionKeys {
  readonly cipherKey: Buffer;
  readonly salt: Buffer;
  readonly authKey: Buffer;
}

/** One direction of one stream; keeps the roll-over counter. */
export class SrtpContext {
  readonly #keys: SessionKeys;
  readonly #tagBytes: number;
  #index = -1;

  constructor(suite: Suite, keySalt: Uint8Array) {
    const keyBytes = suite.startsWith('AES_256') ? 32 : 16;
    if (keySalt.length !== keyBytes + SALT_BYTES)
      throw new Error(`${suite} needs ${keyBytes + SALT_BYTES} bytes of key and salt`);
    this.#tagBytes = suite.endsWith('_32') ? 4 : 10;
    const key = keySalt.subarray(0, keyBytes);
    const salt = keySalt.subarray(keyBytes);
    this.#keys = {
      cipherKey: derive(key, salt, 0, keyBytes),
      authKey: derive(key, salt, 1, 20),
      salt: derive(key, salt, 2, SALT_BYTES),
    };
  }

  /** The RTP packet inside, or undefined when the authentication tag does not fit. */
  unprotect(packet: Uint8Array): Uint8Array | undefined {
    if (packet.length < 12 + this.#tagBytes) return undefined;
    const body = packet.subarray(0, packet.length - this.#tagBytes);
    const tag = packet.subarray(packet.length - this.#tagBytes);
    const index = this.#guessIndex(Buffer.from(packet).readUInt16BE(2));
    if (!timingSafeEqual(this.#tag(body, index), tag)) return undefined;
    this.#index = Math.max(this.#index, index);
    return this.#crypt(body, index);
  }

  protect(packet: Uint8Array): Uint8Array {
    const index = this.#guessIndex(Buffer.from(packet).readUInt16BE(2));
    this.#index = Math.max(this.#index, index);
    const body = this.#crypt(packet, index);
    return Buffer.concat([body, this.#tag(body, index)]);
  }

  /** §3.3.1: the roll-over counter that brings the index nearest to the last one. */
  #guessIndex(sequence: number): number {
    if (this.#index < 0) return sequence;
    const roc = Math.floor(this.#index / 65_536);
    const candidates = [roc - 1, roc, roc + 1]
      .filter((value) => value >= 0)
      .map((value) => value * 65_536 + sequence);
    return candidates.reduce((best, index) =>
      Math.abs(index - this.#index) < Math.abs(best - this.#index) ? index : best,
    );
  }

  /** §4.2: over the packet and the roll-over counter. */
  #tag(body: Uint8Array, index: number): Buffer {
    const roc = Buffer.alloc(4);
    roc.writeUInt32BE(Math.floor(index / 65_536));
    const mac = createHmac('sha1', this.#keys.authKey).update(body).update(roc).digest();
    return mac.subarray(0, this.#tagBytes);
  }

  /** §4.1.1: salt, SSRC and index make the counter. */
  #crypt(packet: Uint8Array, index: number): Buffer {
    const bytes = Buffer.from(packet);
    const counter = Buffer.alloc(16);
    this.#keys.salt.copy(counter);
    const mask = Buffer.alloc(16);
    bytes.copy(mask, 4, 8, 12);
    mask.writeUIntBE(index, 8, 6);
    for (let at = 0; at < 16; at++) counter[at] = (counter[at] ?? 0) ^ (mask[at] ?? 0);
    const header = 12 + 4 * ((bytes[0] ?? 0) & 0x0f);
    const cipher = createCipheriv(cipherName(this.#keys.cipherKey), this.#keys.cipherKey, counter);
    return Buffer.concat([bytes.subarray(0, header), cipher.update(bytes.subarray(header))]);
  }
}

/** §4.3.1 with a key derivation rate of 0. */
function derive(key: Uint8Array, salt: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(salt);
  counter[7] = (counter[7] ?? 0) ^ label;
  return createCipheriv(cipherName(key), key, counter).update(Buffer.alloc(length));
}

function cipherName(key: Uint8Array): string {
  return key.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr';
}
