import type { SrtpSuite } from '@offhook/media-rpc';

/** SDP security descriptions: RFC 4568, with the AES-256 suite of RFC 6188. */

export interface CryptoLine {
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** Base64 of master key and salt, with padding. */
  readonly key: string;
}

/** Bytes of master key and master salt together (RFC 4568 §6.2, RFC 6188 §4). */
export const keySaltLength: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
};

/**
 * A key lifetime below this many packets would have to be renewed in mid-call: 2^20 packets of
 * 20 ms are almost six hours.
 */
const MIN_LIFETIME = 2n ** 20n;
const MAX_LIFETIME = 2n ** 48n;

/**
 * Reads the value of an `a=crypto` attribute (RFC 4568 §9.2). Undefined for a line that cannot be
 * used, so that the next one is tried (§5.1.2): an unknown suite, a key of the wrong length, an MKI
 * or several keys (we signal none and could not tell which is meant), a lifetime too short to last
 * a call, and session parameters that take protection away or change the key derivation.
 */
export function parseCrypto(value: string): CryptoLine | undefined {
  const [tagText = '', suiteText = '', keyParams = '', ...sessionParams] = value.split(/\s+/u);
  if (!/^[1-9]\d{0,8}$/u.test(tagText)) return undefined;
  const suite = suiteNamed(suiteText);
  if (suite === undefined || !keyParams.startsWith('inline:') || keyParams.includes(';')) {
    return undefined;
  }
  // Of the session parameters only the window size hint changes nothing for us (§6.3.7).
  if (!sessionParams.every((param) => param === '' || /^-?WSH=\d{2,4}$/u.test(param))) {
    return undefined;
  }
  const [key = '', ...options] = keyParams.slice('inline:'.length).split('|');
  if (options.length > 1 || !options.every(isLongLifetime)) return undefined;
  const bytes = decodeBase64(key);
  if (bytes?.length !== keySaltLength[suite]) return undefined;
  return { tag: Number(tagText), suite, key: bytes.toString('base64') };
}

export function formatCrypto(line: CryptoLine): string {
  return `${line.tag} ${line.suite} inline:${line.key}`;
}

function suiteNamed(text: string): SrtpSuite | undefined {
  return (Object.keys(keySaltLength) as SrtpSuite[]).find((suite) => suite === text);
}

/** `2^n` or a decimal number of packets; an MKI (`1:4`) is none. */
function isLongLifetime(text: string): boolean {
  const power = /^2\^(\d{1,2})$/u.exec(text);
  if (power === null && !/^\d{1,15}$/u.test(text)) return false;
  const packets = power === null ? BigInt(text) : 2n ** BigInt(power[1] ?? 0);
  return packets >= MIN_LIFETIME && packets <= MAX_LIFETIME;
}

function decodeBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/u.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Buffer passes over what it cannot read: only what encodes to the same text was all key.
  return bytes.toString('base64').replace(/=+$/u, '') === text.replace(/=+$/u, '')
    ? bytes
    : undefined;
}

/** The description with every key hidden: for logs, state files and reports. */
export function maskKeys(sdp: string): string {
  return sdp.replace(/^(a=crypto:.*?inline:)[^\r\n]*/gimu, '$1*');
}
