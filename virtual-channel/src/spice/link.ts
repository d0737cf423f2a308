import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { OffhookError } from '@offhook/common';
import { CommonCap } from './messages.ts';

/** `REDQ`, SPICE_MAGIC. */
const MAGIC = 0x51444552;
const VERSION = { major: 2, minor: 2 } as const;
const HEADER_BYTES = 16;
/** A 1024-bit RSA key as SubjectPublicKeyInfo, SPICE_TICKET_PUBKEY_BYTES. */
const PUBKEY_BYTES = 162;
const REPLY_FIXED_BYTES = 4 + PUBKEY_BYTES + 12;
/** spice-server's own limit for what it takes is 4096; replies are shorter. */
const MAX_REPLY_BYTES = 4096;
/** SPICE_MAX_PASSWORD_LENGTH. */
const MAX_PASSWORD_BYTES = 60;

/** SPICE_COMMON_CAP_AUTH_SPICE as the mechanism of SpiceLinkAuthMechanism. */
export const AUTH_MECHANISM_SPICE = Uint8Array.of(1, 0, 0, 0);

export interface LinkRequest {
  /** 0 for the main channel of a new session, else its session id. */
  readonly connectionId: number;
  readonly channelType: number;
  readonly channelId: number;
  /** Bit numbers. */
  readonly channelCaps: readonly number[];
}

export interface LinkReply {
  /** SPICE_LINK_ERR_*; the rest means something only for 0. */
  readonly error: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly commonCaps: readonly number[];
  readonly channelCaps: readonly number[];
}

/** SpiceLinkHeader + SpiceLinkMess, `spice/protocol.h`. */
export function encodeLinkRequest(request: LinkRequest): Uint8Array {
  const common = capWords([CommonCap.authSelection, CommonCap.authSpice, CommonCap.miniHeader]);
  const channel = capWords(request.channelCaps);
  const words = [...common, ...channel];
  const bytes = new Uint8Array(HEADER_BYTES + 18 + 4 * words.length);
  bytes.set(encodeLinkHeader(bytes.length - HEADER_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(16, request.connectionId, true);
  view.setUint8(20, request.channelType);
  view.setUint8(21, request.channelId);
  view.setUint32(22, common.length, true);
  view.setUint32(26, channel.length, true);
  view.setUint32(30, 18, true);
  words.forEach((word, index) => view.setUint32(34 + 4 * index, word, true));
  return bytes;
}

/** SpiceLinkHeader before so many bytes. */
export function encodeLinkHeader(length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  [MAGIC, VERSION.major, VERSION.minor, length].forEach((word, index) =>
    view.setUint32(4 * index, word, true),
  );
  return bytes;
}

/** How long the message is that this header announces, in bytes after the header. */
export function announcedLength(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC) {
    throw badReply('it does not begin with REDQ', 'check that a SPICE server listens there');
  }
  const length = view.getUint32(12, true);
  if (length > MAX_REPLY_BYTES) throw badReply(`it announces ${length} bytes`);
  return length;
}

/** SpiceLinkReply, `spice/protocol.h`. A reply that is only an error code is taken as such. */
export function decodeLinkReply(body: Uint8Array): LinkReply {
  if (body.length < 4) throw badReply(`it has ${body.length} bytes`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const error = view.getUint32(0, true);
  if (error !== 0) {
    return { error, publicKey: new Uint8Array(0), commonCaps: [], channelCaps: [] };
  }
  if (body.length < REPLY_FIXED_BYTES) throw badReply(`it has ${body.length} bytes`);
  const commonCount = view.getUint32(4 + PUBKEY_BYTES, true);
  const channelCount = view.getUint32(8 + PUBKEY_BYTES, true);
  const offset = view.getUint32(12 + PUBKEY_BYTES, true);
  if (offset + 4 * (commonCount + channelCount) > body.length) {
    throw badReply('its capabilities lie outside');
  }
  const words = Array.from({ length: commonCount + channelCount }, (_, index) =>
    view.getUint32(offset + 4 * index, true),
  );
  return {
    error,
    publicKey: body.slice(4, 4 + PUBKEY_BYTES),
    commonCaps: capBits(words.slice(0, commonCount)),
    channelCaps: capBits(words.slice(commonCount)),
  };
}

export const LINK_HEADER_BYTES = HEADER_BYTES;
export const LINK_PUBKEY_BYTES = PUBKEY_BYTES;

/**
 * The ticket: the password and a NUL under RSA-OAEP with SHA-1.
 *
 * @throws OffhookError `channel/spice-ticket-too-long` beyond 60 bytes, SPICE_MAX_PASSWORD_LENGTH.
 */
export function encryptTicket(publicKey: Uint8Array, password: string): Uint8Array {
  const plain = Buffer.from(`${password}\0`);
  if (plain.length > MAX_PASSWORD_BYTES + 1) {
    throw new OffhookError(
      'channel',
      'spice-ticket-too-long',
      `a SPICE ticket has at most ${MAX_PASSWORD_BYTES} bytes; this one has ${plain.length - 1}`,
    );
  }
  try {
    return publicEncrypt(
      {
        key: createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }),
        padding: constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: 'sha1',
      },
      plain,
    );
  } catch (error) {
    throw badReply('its public key cannot be used', undefined, error);
  }
}

/** Capabilities by bit number as the words of the wire. */
export function capWords(bits: readonly number[]): number[] {
  const words: number[] = [];
  for (const bit of bits) {
    const index = bit >> 5;
    while (words.length <= index) words.push(0);
    words[index] = ((words[index] ?? 0) | (1 << (bit & 31))) >>> 0;
  }
  return words;
}

export function capBits(words: readonly number[]): number[] {
  return words.flatMap((word, index) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => ((word >>> bit) & 1) === 1)
      .map((bit) => 32 * index + bit),
  );
}

function badReply(what: string, remedy?: string, cause?: unknown): OffhookError {
  return new OffhookError(
    'channel',
    'spice-invalid-reply',
    `the SPICE link reply is not valid: ${what}`,
    {
      remedy,
      cause,
    },
  );
}
