import { constants, generateKeyPair, privateDecrypt, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { OffhookError } from '@offhook/common';
import {
  capBits,
  capWords,
  encodeLinkHeader,
  LINK_HEADER_BYTES,
  LINK_PUBKEY_BYTES,
  type LinkRequest,
} from '../link.ts';
import { CommonCap } from '../messages.ts';

/** The server's half of the SPICE link stage, `spice/protocol.h`: what a viewer meets here. */

/** SpiceLinkMess without its capabilities. */
const REQUEST_FIXED_BYTES = 18;
/** An RSA key of 1024 bits, as SPICE has it, decrypts this many. */
export const ENCRYPTED_TICKET_BYTES = 128;

export interface ViewerRequest extends LinkRequest {
  readonly commonCaps: readonly number[];
}

/** @throws OffhookError `channel/spice-malformed`. */
export function decodeLinkRequest(body: Uint8Array): ViewerRequest {
  if (body.length < REQUEST_FIXED_BYTES) throw malformed(`it has ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const commonCount = view.getUint32(6, true);
  const channelCount = view.getUint32(10, true);
  const offset = view.getUint32(14, true);
  if (offset + 4 * (commonCount + channelCount) > body.length) {
    throw malformed('its capabilities lie outside');
  }
  const words = Array.from({ length: commonCount + channelCount }, (_, index) =>
    view.getUint32(offset + 4 * index, true),
  );
  return {
    connectionId: view.getUint32(0, true),
    channelType: view.getUint8(4),
    channelId: view.getUint8(5),
    commonCaps: capBits(words.slice(0, commonCount)),
    channelCaps: capBits(words.slice(commonCount)),
  };
}

/** SpiceLinkReply that lets a viewer go on with its ticket. */
export function encodeLinkReply(publicKey: Uint8Array, channelCaps: readonly number[]): Uint8Array {
  const common = capWords([CommonCap.authSelection, CommonCap.authSpice, CommonCap.miniHeader]);
  return reply(0, publicKey, common, capWords(channelCaps));
}

/** SpiceLinkReply with a SPICE_LINK_ERR_*: the viewer goes. */
export function encodeLinkRefusal(error: number): Uint8Array {
  return reply(error, new Uint8Array(LINK_PUBKEY_BYTES), [], []);
}

function reply(
  error: number,
  publicKey: Uint8Array,
  common: readonly number[],
  channel: readonly number[],
): Uint8Array {
  const words = [...common, ...channel];
  const fixed = 4 + LINK_PUBKEY_BYTES + 12;
  const header = encodeLinkHeader(fixed + 4 * words.length);
  const bytes = new Uint8Array(LINK_HEADER_BYTES + fixed + 4 * words.length);
  bytes.set(header);
  const body = new DataView(bytes.buffer, LINK_HEADER_BYTES);
  body.setUint32(0, error, true);
  bytes.set(publicKey, LINK_HEADER_BYTES + 4);
  [common.length, channel.length, fixed, ...words].forEach((word, index) =>
    body.setUint32(4 + LINK_PUBKEY_BYTES + 4 * index, word, true),
  );
  return bytes;
}

/** The key that viewers encrypt their ticket for. */
export class TicketKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  private constructor(publicKey: Uint8Array, privateKey: KeyObject) {
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  static async create(): Promise<TicketKey> {
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 1024 });
    return new TicketKey(pair.publicKey.export({ format: 'der', type: 'spki' }), pair.privateKey);
  }

  /** The password without its NUL; undefined when it was not encrypted for this key. */
  decrypt(encrypted: Uint8Array): string | undefined {
    try {
      const plain = privateDecrypt(
        { key: this.#privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
        encrypted,
      );
      const end = plain.indexOf(0);
      return plain.toString('utf8', 0, end < 0 ? plain.length : end);
    } catch {
      return undefined;
    }
  }
}

function malformed(what: string): OffhookError {
  return new OffhookError(
    'channel',
    'spice-malformed',
    `the SPICE link message is not valid: ${what}`,
  );
}
