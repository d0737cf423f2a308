import type { BodyPart } from '@offhook/signaling';
import type { ThinClientLocation } from '@offhook/media-rpc';
import { letters } from '../call/letters.ts';
import { PIDF } from '../presence/pidf.ts';
import { escapeXml } from '@offhook/signaling/documents';

/** What an INVITE carries of a location (RFC 6442 §4). */
export interface GeolocationParts {
  /** Whole header lines. */
  readonly headers: readonly string[];
  readonly parts: readonly BodyPart[];
}

/** How long whoever gets the location may keep it (RFC 4119 §2.2.2). */
const RETENTION_MS = 86_400_000;

/** The location by value: a header field that points to a PIDF-LO in the body. */
export function geolocation(
  location: ThinClientLocation,
  around: { readonly aor: string; readonly wall: number; readonly random: () => number },
): GeolocationParts {
  const { aor, random } = around;
  const domain = /@([^;?>:]+)/.exec(aor)?.[1] ?? 'localhost';
  const contentId = `location-${letters(random, 12)}@${domain}`;
  return {
    headers: [
      `Geolocation: <cid:${contentId}>`,
      'Geolocation-Routing: yes',
      'Supported: geolocation',
    ],
    parts: [{ type: PIDF, contentId, content: writePidfLo(location, around) }],
  };
}

/**
 * A presence document with the location of a device (RFC 4119, RFC 5139; shapes as RFC 5491 has
 * them). With both, the coordinates come first and the address says it more finely (RFC 5491 §3.4).
 */
export function writePidfLo(
  { civic, geo, method, obtainedAt }: ThinClientLocation,
  { aor, wall }: { readonly aor: string; readonly wall: number },
): string {
  const entity = aor.replace(/^sips?:/i, 'pres:').replace(/[;?].*$/, '');
  const at = new Date(obtainedAt ?? wall).toISOString();
  const until = new Date(wall + RETENTION_MS).toISOString();
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
    '<presence xmlns="urn:ietf:params:xml:ns:pidf"' +
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"' +
    ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"' +
    ' xmlns:gbp="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"' +
    ' xmlns:cl="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"' +
    ' xmlns:gml="http://www.opengis.net/gml"' +
    ' xmlns:gs="http://www.opengis.net/pidflo/1.0"' +
    ` entity="${escapeXml(entity)}">\r\n` +
    '<dm:device id="thin-client"><gp:geopriv><gp:location-info>\r\n' +
    `${geo === undefined ? '' : geoXml(geo)}${civic === undefined ? '' : civicXml(civic)}` +
    '</gp:location-info><gp:usage-rules>' +
    '<gbp:retransmission-allowed>true</gbp:retransmission-allowed>' +
    `<gbp:retention-expiry>${until}</gbp:retention-expiry>` +
    `</gp:usage-rules><gp:method>${escapeXml(method ?? 'Manual')}</gp:method></gp:geopriv>` +
    `<dm:timestamp>${at}</dm:timestamp></dm:device>\r\n</presence>\r\n`
  );
}

function geoXml(geo: NonNullable<ThinClientLocation['geo']>): string {
  const { latitude, longitude, altitude, radius } = geo;
  const position = [latitude, longitude, ...(altitude === undefined ? [] : [altitude])].join(' ');
  // WGS 84 with or without height (RFC 5491 §5.1).
  const srs = ` srsName="urn:ogc:def:crs:EPSG::${altitude === undefined ? 4326 : 4979}"`;
  if (radius === undefined)
    return `<gml:Point${srs}><gml:pos>${position}</gml:pos></gml:Point>\r\n`;
  const shape = altitude === undefined ? 'Circle' : 'Sphere';
  return (
    `<gs:${shape}${srs}><gml:pos>${position}</gml:pos>` +
    `<gs:radius uom="urn:ogc:def:uom:EPSG::9001">${radius}</gs:radius></gs:${shape}>\r\n`
  );
}

function civicXml(civic: Readonly<Record<string, string>>): string {
  const elements = Object.entries(civic)
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([name, value]) => `<cl:${name}>${escapeXml(value)}</cl:${name}>`);
  return `<cl:civicAddress>${elements.join('')}</cl:civicAddress>\r\n`;
}

/** The order of the schema (RFC 5139 §5). */
const ORDER =
  'country A1 A2 A3 A4 A5 A6 PRM PRD RD STS POD POM RDSEC RDBR RDSUBBR HNO HNS LMK LOC FLR NAM PC BLD UNIT ROOM SEAT PLC PCN POBOX ADDCODE'.split(
    ' ',
  );

function place(name: string): number {
  const index = ORDER.indexOf(name);
  return index < 0 ? ORDER.length : index;
}
