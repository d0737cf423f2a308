/** ITU-T G.711: eight bits a sample, 8,000 samples a second. */

/** Added before the logarithm of µ-law. */
const BIAS = 0x84;

const A_LAW = Float32Array.from({ length: 256 }, (_, code) => decodeA(code));
const MU_LAW = Float32Array.from({ length: 256 }, (_, code) => decodeMu(code));

export type G711 = 'PCMA' | 'PCMU';

/** RFC 3551 §6. */
export const PAYLOAD_TYPES: Readonly<Record<G711, number>> = { PCMU: 0, PCMA: 8 };

export function decodeG711(law: G711, bytes: Uint8Array): Float32Array {
  const table = law === 'PCMA' ? A_LAW : MU_LAW;
  return Float32Array.from(bytes, (code) => table[code] ?? 0);
}

export function encodeG711(law: G711, samples: Float32Array): Uint8Array {
  const encode = law === 'PCMA' ? encodeA : encodeMu;
  return Uint8Array.from(samples, (sample) =>
    encode(Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)))),
  );
}

/** The code word of silence. */
export function silence(law: G711): number {
  return law === 'PCMA' ? encodeA(0) : encodeMu(0);
}

/** §3 table 1: even bits are inverted on the line. */
function decodeA(code: number): number {
  const word = code ^ 0x55;
  const exponent = (word >> 4) & 0x07;
  const mantissa = word & 0x0f;
  const magnitude =
    exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (exponent - 1);
  return ((word & 0x80) !== 0 ? magnitude : -magnitude) / 32_768;
}

function encodeA(sample: number): number {
  const positive = sample >= 0;
  const magnitude = Math.min(32_767, positive ? sample : -sample - 1);
  let exponent = 7;
  for (let limit = 0x4000; exponent > 0 && (magnitude & limit) === 0; limit >>= 1) exponent--;
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 0x0f;
  return ((positive ? 0x80 : 0) | (exponent << 4) | mantissa) ^ 0x55;
}

/** §3 table 2: all bits are inverted on the line. */
function decodeMu(code: number): number {
  const word = ~code & 0xff;
  const exponent = (word >> 4) & 0x07;
  const magnitude = ((((word & 0x0f) << 3) + BIAS) << exponent) - BIAS;
  return ((word & 0x80) !== 0 ? -magnitude : magnitude) / 32_768;
}

function encodeMu(sample: number): number {
  const negative = sample < 0;
  const magnitude = Math.min(32_635, Math.abs(sample)) + BIAS;
  let exponent = 7;
  for (let limit = 0x4000; exponent > 0 && (magnitude & limit) === 0; limit >>= 1) exponent--;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~((negative ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}
