import { generateKeyPair, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';

export interface OwnCertificate {
  /** PEM. It signs itself: who trusts it needs no other. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const YEARS = 10;

/**
 * A certificate with a fresh P-256 key, for `CN=commonName` and 127.0.0.1. The key is nowhere but in
 * what is returned, so that the certificate is worth nothing once the process is gone.
 *
 * RFC 5280 §4.1; the names of its fields are used below.
 */
export async function makeOwnCertificate(commonName: string): Promise<OwnCertificate> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const name = sequence(
    set(sequence(oid.commonName, der(TAG.utf8String, Buffer.from(commonName)))),
  );
  const ecdsaWithSha256 = sequence(oid.ecdsaWithSha256);
  const tbsCertificate = sequence(
    der(TAG.context0, integer(Buffer.of(2))),
    // Positive and not empty, whatever the random bytes are.
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    sequence(utcTime(-1), utcTime(YEARS)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(
      TAG.context3,
      sequence(
        extension(oid.basicConstraints, sequence(TRUE), { critical: true }),
        extension(oid.subjectAltName, sequence(der(TAG.ipAddress, Buffer.of(127, 0, 0, 1)))),
      ),
    ),
  );
  const signature = sign('sha256', tbsCertificate, privateKey);
  const noUnusedBits = Buffer.of(0);
  const certificate = sequence(
    tbsCertificate,
    ecdsaWithSha256,
    der(TAG.bitString, Buffer.concat([noUnusedBits, signature])),
  );
  return {
    cert: pem('CERTIFICATE', certificate),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** ITU-T X.690 tags. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  ipAddress: 0x87,
  context0: 0xa0,
  context3: 0xa3,
} as const;

const TRUE = der(TAG.boolean, Buffer.of(0xff));

/** Object identifiers, already encoded. */
const oid = {
  /** 2.5.4.3 */
  commonName: der(TAG.objectIdentifier, Buffer.of(0x55, 4, 3)),
  /** 2.5.29.19 */
  basicConstraints: der(TAG.objectIdentifier, Buffer.of(0x55, 0x1d, 19)),
  /** 2.5.29.17 */
  subjectAltName: der(TAG.objectIdentifier, Buffer.of(0x55, 0x1d, 17)),
  /** 1.2.840.10045.4.3.2 */
  ecdsaWithSha256: der(TAG.objectIdentifier, Buffer.from('2a8648ce3d040302', 'hex')),
} as const;

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size =
    length < 0x1_00 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
  return Buffer.concat([Buffer.of(tag), size, content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function set(...parts: readonly Buffer[]): Buffer {
  return der(TAG.set, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return der(TAG.integer, bytes);
}

/** `YYMMDDHHMMSSZ`, RFC 5280 §4.1.2.5.1: right until 2049. */
function utcTime(yearsFromNow: number): Buffer {
  const date = new Date();
  date.setUTCFullYear(date.getUTCFullYear() + yearsFromNow);
  const digits = date.toISOString().replaceAll(/\D/gu, '').slice(2, 14);
  return der(TAG.utcTime, Buffer.from(`${digits}Z`));
}

function extension(id: Buffer, value: Buffer, { critical = false } = {}): Buffer {
  return sequence(id, critical ? TRUE : Buffer.alloc(0), der(TAG.octetString, value));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/gu) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
