import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { geolocation, writePidfLo } from '../../src/people/geolocation.ts';
import { knownLocation, locationText } from '../../src/people/location.ts';

const AROUND = {
  aor: 'sip:alice@example.com',
  wall: Date.UTC(2026, 0, 2, 3, 4, 5),
  random: () => 0.5,
};
const parser = new XMLParser({
  ignoreAttributes: false,
  removeNSPrefix: true,
  parseTagValue: false,
});

function infoOf(xml: string): Record<string, unknown> {
  return parser.parse(xml).presence.device.geopriv['location-info'];
}

describe('a location by value', () => {
  it('is pointed to by Content-ID', () => {
    const { headers, parts } = geolocation({ civic: { country: 'DE' } }, AROUND);
    const [part] = parts;
    expect(part).toMatchObject({ type: 'application/pidf+xml' });
    expect(headers[0]).toBe(`Geolocation: <cid:${part?.contentId}>`);
  });

  it('has civic elements in the order of the schema, with what XML reserves escaped', () => {
    const xml = writePidfLo({ civic: { FLR: '3', RD: 'A & <B>', country: 'DE' } }, AROUND);
    expect(infoOf(xml)).toEqual({ civicAddress: { country: 'DE', RD: 'A & <B>', FLR: '3' } });
    expect(xml.indexOf('cl:country')).toBeLessThan(xml.indexOf('cl:RD'));
    expect(xml.indexOf('cl:RD')).toBeLessThan(xml.indexOf('cl:FLR'));
  });

  it.each([
    [{ latitude: 52.5, longitude: 13.4 }, 'Point', '4326', '52.5 13.4'],
    [{ latitude: 52.5, longitude: 13.4, radius: 30 }, 'Circle', '4326', '52.5 13.4'],
    [
      { latitude: 52.5, longitude: 13.4, altitude: 34, radius: 30 },
      'Sphere',
      '4979',
      '52.5 13.4 34',
    ],
  ])('has %j as a %s', (geo, shape, srs, pos) => {
    const info = infoOf(writePidfLo({ geo }, AROUND));
    expect(info[shape]).toMatchObject({ pos, '@_srsName': `urn:ogc:def:crs:EPSG::${srs}` });
  });

  it('says when and how it was found', () => {
    const xml = writePidfLo(
      { geo: { latitude: 1, longitude: 2 }, method: 'DHCP', obtainedAt: Date.UTC(2026, 0, 1) },
      AROUND,
    );
    expect(xml).toContain('<gp:method>DHCP</gp:method>');
    expect(xml).toContain('<dm:timestamp>2026-01-01T00:00:00.000Z</dm:timestamp>');
    expect(xml).toContain('entity="pres:alice@example.com"');
  });
});

describe('what is known of the place', () => {
  const connected = {
    state: 'connected',
    channel: 'x',
    engine: 'e',
    worker: 'up',
    leaseMs: 0,
  } as const;
  const location = {
    civic: { country: 'DE', A3: 'Berlin', PC: '10117', RD: 'Unter den Linden', HNO: '1', FLR: '3' },
  };

  it('is said in a line', () => {
    expect(locationText(location)).toBe('Unter den Linden 1, 10117 Berlin, DE, floor 3');
    expect(locationText({ geo: { latitude: 52.5, longitude: 13.4 } })).toBe('52.50000, 13.40000');
  });

  it.each([
    [
      'an engine in the desktop',
      'fallback',
      location,
      'location unknown: the sound is made in the desktop, not at a thin client',
    ],
    [
      'a thin client without one',
      'client',
      undefined,
      'location unknown: the thin client has none',
    ],
    [
      'one that is too old',
      'client',
      { ...location, obtainedAt: 0, maxAgeMs: 1000 },
      'location may be out of date: Unter den Linden 1, 10117 Berlin, DE, floor 3',
    ],
    [
      'one that is good',
      'client',
      { ...location, obtainedAt: 99_999_500, maxAgeMs: 1000 },
      undefined,
    ],
  ] as const)('warns of %s', (_what, kind, at, warning) => {
    expect(knownLocation({ ...connected, location: at }, kind, 100_000_000).warning).toBe(warning);
  });
});
