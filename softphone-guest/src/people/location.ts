import type { ThinClientLocation } from '@offhook/media-rpc';
import type { EngineStatus } from '../media-port.ts';

/** Where the person is, as far as the thin client says. */
export interface KnownLocation {
  readonly location: ThinClientLocation | undefined;
  /** In words, for people: `Unter den Linden 1, Berlin; floor 3`. */
  readonly text: string | undefined;
  /** Why help may be sent to the wrong place, or nowhere; undefined when all is well. */
  readonly warning: string | undefined;
}

/** Older than that, a location without a limit of its own is doubtful. */
const DAY_MS = 86_400_000;

/**
 * What is known of the place that the phone is used at: the thin client's own word, never the data
 * center's. Pure.
 *
 * @param wall Wall clock of the guest, ms.
 */
export function knownLocation(
  status: EngineStatus,
  kind: 'client' | 'fallback',
  wall: number,
): KnownLocation {
  const unknown = (warning: string): KnownLocation => ({
    location: undefined,
    text: undefined,
    warning,
  });
  if (status.state !== 'connected') return unknown('location unknown: no thin client is there');
  if (kind === 'fallback') {
    return unknown('location unknown: the sound is made in the desktop, not at a thin client');
  }
  const { location } = status;
  if (location === undefined) return unknown('location unknown: the thin client has none');
  const text = locationText(location);
  const age = location.obtainedAt === undefined ? 0 : wall - location.obtainedAt;
  const stale = location.stale === true || age > (location.maxAgeMs ?? DAY_MS);
  const warning = stale ? `location may be out of date: ${text}` : undefined;
  return { location, text, warning };
}

/** One line: what civic elements say (RFC 4119 §2.2.1), else the coordinates. */
export function locationText({ civic, geo }: ThinClientLocation): string {
  const parts = civic === undefined ? [] : civicText(civic);
  if (parts.length > 0) return parts.join(', ');
  if (geo === undefined) return 'nowhere';
  return `${geo.latitude.toFixed(5)}, ${geo.longitude.toFixed(5)}`;
}

function civicText(civic: Readonly<Record<string, string>>): string[] {
  const of = (...names: string[]) =>
    names
      .flatMap((name) => civic[name] ?? [])
      .join(' ')
      .trim();
  const floor = of('FLR');
  const room = of('ROOM');
  return [
    of('NAM'),
    of('PRD', 'RD', 'A6', 'STS', 'POD', 'HNO', 'HNS'),
    of('PC', 'A3'),
    of('A1'),
    of('country'),
    of('BLD'),
    floor === '' ? '' : `floor ${floor}`,
    room === '' ? '' : `room ${room}`,
    of('LOC'),
  ].filter((one) => one !== '');
}
