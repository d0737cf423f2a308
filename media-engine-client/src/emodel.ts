import type { CodecName } from '@offhook/media-rpc';

/**
 * Listening quality from what the network does: the E-model of ITU-T G.107 with everything at its
 * default but codec, loss and delay. R = 93.2 − Idd − Ie,eff (§7.1, with the default noise and
 * loudness ratings folded into the constant).
 */

interface Impairment {
  /** Equipment impairment without loss. */
  readonly ie: number;
  /** Packet-loss robustness: how slowly quality falls. */
  readonly bpl: number;
}

/**
 * G.113 Appendix I gives Ie 0 and Bpl 25.1 for G.711 with concealment. It has no narrow-band figures
 * for the wide-band codecs; both are at least as good as G.711 without loss, so Ie is 0, and their
 * Bpl is set to that of G.711 for G.722 (concealed the same way here), and somewhat above it for
 * Opus, which conceals better (assumption, not from the recommendation).
 */
const impairments: Readonly<Record<CodecName, Impairment>> = {
  PCMA: { ie: 0, bpl: 25.1 },
  PCMU: { ie: 0, bpl: 25.1 },
  G722: { ie: 0, bpl: 25.1 },
  opus: { ie: 0, bpl: 30 },
};

/** G.107 Table 3: the sum of the basic terms at default values. */
const R_DEFAULT = 93.2;

export interface QualityInput {
  readonly codec: CodecName;
  /** Packets lost or too late, 0…100. */
  readonly lossPct: number;
  /** Mouth to ear one way, milliseconds. */
  readonly delayMs: number;
}

/** Mean opinion score, 1…4.5 (G.107 Annex B). */
export function mos(input: QualityInput): number {
  return mosOf(rFactor(input));
}

/** Transmission rating R, 0…100 (G.107 §7.1); with no delay it is of listening only. */
export function rFactor(input: QualityInput): number {
  return Math.max(0, R_DEFAULT - delayImpairment(input.delayMs) - lossImpairment(input));
}

function mosOf(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  const score = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
  // The polynomial dips below 1 for R under 6.5 (Annex B, note).
  return Math.max(1, score);
}

/** Idd, G.107 §7.4: nothing below 100 ms, then felt more and more. */
function delayImpairment(delayMs: number): number {
  if (delayMs <= 100) return 0;
  const x = Math.log2(delayMs / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** Ie,eff, G.107 §7.5, for losses that come at random (BurstR = 1). */
function lossImpairment({ codec, lossPct }: QualityInput): number {
  const { ie, bpl } = impairments[codec];
  return ie + (95 - ie) * (lossPct / (lossPct + bpl));
}
