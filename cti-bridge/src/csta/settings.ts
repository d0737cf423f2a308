import { z } from 'zod';
import { deviceId, pbxName } from '../adapter/settings.ts';
import { CSTA_SERVICES } from './csta-adapter.ts';

const spoken = {
  edition: z.int().min(2).max(9).default(4).describe('Edition of ECMA-323 that is spoken'),
  services: z
    .array(z.enum(CSTA_SERVICES))
    .default([...CSTA_SERVICES])
    .describe('What it does of the services'),
};

/** A switch that speaks CSTA-XML over TCP. */
export const cstaTcpSettings = z.object({
  kind: z.literal('csta-tcp'),
  name: pbxName,
  host: z.string().min(1).max(255).describe('Address of the switch'),
  port: z.int().min(1).max(65_535).describe('Its port'),
  devices: z.array(deviceId).min(1).max(10_000).describe('Devices to watch'),
  ...spoken,
});
export type CstaTcpSettings = z.output<typeof cstaTcpSettings>;

/** A bridge that speaks SIP to phones. */
export const sipPeer = {
  name: pbxName,
  listen: z
    .string()
    .regex(/^(udp|tcp):[0-9.]+:\d{1,5}$/, 'must be udp:ADDRESS:PORT or tcp:ADDRESS:PORT')
    .default('udp:0.0.0.0:5070')
    .describe('Where the bridge takes SIP'),
  aor: z
    .string()
    .regex(/^sip:[^\s<>"@]+@[^\s<>"@]+$/, 'must be a SIP URI')
    .default('sip:cti@localhost')
    .describe('Who the bridge is, in From'),
  username: z.string().min(1).max(128).optional().describe('For digest authentication'),
  password_file: z.string().optional().describe('File with its password'),
  outbound_proxy: z.string().max(512).optional().describe('A SIP URI that requests go through'),
  phones: z
    .record(deviceId, z.string().regex(/^sips?:[^\s<>"]+$/, 'must be a SIP URI'))
    .describe('Device and the SIP URI of its phone, one a line'),
};

/** Phones that take uaCSTA sessions over SIP. */
export const uaCstaSettings = z.object({ kind: z.literal('uacsta'), ...sipPeer, ...spoken });
export type UaCstaSettings = z.output<typeof uaCstaSettings>;

export function cstaNamespace(edition: number): string {
  return `http://www.ecma-international.org/standards/ecma-323/csta/ed${edition}`;
}
