import { z } from 'zod';

/** Names of civic address elements (RFC 4119 §2.2.1, RFC 5139 §3.4): `country`, `A1`, `RD`, `HNO` … */
export const civicElement = z.enum([
  'country',
  'A1',
  'A2',
  'A3',
  'A4',
  'A5',
  'A6',
  'PRM',
  'PRD',
  'RD',
  'STS',
  'POD',
  'POM',
  'RDSEC',
  'RDBR',
  'RDSUBBR',
  'HNO',
  'HNS',
  'LMK',
  'LOC',
  'FLR',
  'NAM',
  'PC',
  'BLD',
  'UNIT',
  'ROOM',
  'SEAT',
  'PLC',
  'PCN',
  'POBOX',
  'ADDCODE',
]);

export const civicAddress = z.partialRecord(
  civicElement,
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^\P{Cc}*$/u, 'must be one line'),
);

export const geodetic = z.object({
  /** Degrees, WGS 84. */
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  /** Metres above the ellipsoid. */
  altitude: z.number().min(-10_000).max(100_000).optional(),
  /** Metres of uncertainty. */
  radius: z.number().min(0).max(10_000_000).optional(),
});

/** Where a thin client is: what an emergency call from it has to say. */
export const thinClientLocation = z.object({
  civic: civicAddress.optional(),
  geo: geodetic.optional(),
  /** How it was found (RFC 4119 §2.2.3, the IANA registry of method tokens): `Manual`, `DHCP` … */
  method: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,32}$/)
    .optional(),
  /** Wall clock of the thin client, ms since the epoch; absent for one that was written down. */
  obtainedAt: z.number().optional(),
  /** Ms after which it is doubtful. */
  maxAgeMs: z.number().min(0).optional(),
  /** It is older than that by the clock of the thin client. */
  stale: z.boolean().optional(),
});
export type ThinClientLocation = z.output<typeof thinClientLocation>;
