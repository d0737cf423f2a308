import { describeError, parseLayers, type Clock, type Logger, type Timer } from '@offhook/common';
import type { ThinClientLocation } from '@offhook/media-rpc';
import { placeDocument, type LocationConfig, type PlaceDocument } from './config.ts';

/** What a source of IT's said, and when that was true. */
export interface Saying {
  readonly text: string;
  /** Wall clock, ms. */
  readonly at: number;
}

export interface LocationSourceOptions {
  readonly config: LocationConfig;
  /** Asks file or command; undefined when the configuration has none. Bounded and with a deadline. */
  readonly ask: (() => Promise<Saying>) | undefined;
  readonly onChange: (location: ThinClientLocation | null) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Where this thin client is. What file or command say goes before what stands in the configuration;
 * when they fail, the last word holds and grows old.
 */
export class LocationSource {
  readonly #options: LocationSourceOptions;
  readonly #written: ThinClientLocation | null;
  #said: { readonly place: PlaceDocument; readonly at: number } | undefined;
  #told: string;
  #problem: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: LocationSourceOptions) {
    this.#options = options;
    this.#written = locationOf(options.config);
    this.#told = JSON.stringify(this.current);
  }

  /** Null: it is not known. */
  get current(): ThinClientLocation | null {
    const { config, clock } = this.#options;
    if (this.#said === undefined) return this.#written;
    const { place, at } = this.#said;
    const maxAgeMs = config.max_age * 1000;
    const location = locationOf(place);
    if (location === null) return this.#written;
    const stale = clock.wall() - at > maxAgeMs;
    return { ...location, obtainedAt: at, maxAgeMs, ...(stale && { stale }) };
  }

  /** Why file or command could not be asked last time. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Asks now, and again after each interval; resolves when the first answer is in. */
  async start(): Promise<void> {
    const { ask, config, clock, logger } = this.#options;
    if (ask === undefined || this.#closed) return;
    try {
      const { text, at } = await ask();
      const { config: place } = parseLayers([{ path: 'location', text }], placeDocument);
      this.#said = { place, at };
      this.#problem = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (reason !== this.#problem) logger.warn({ reason }, 'the location could not be asked for');
      this.#problem = reason;
    }
    if (this.#closed) return;
    this.#tell();
    this.#timer = clock.after(config.interval * 1000, () => void this.start());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #tell(): void {
    const { current } = this;
    const text = JSON.stringify(current);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.onChange(current);
  }
}

function locationOf(place: PlaceDocument): ThinClientLocation | null {
  const { civic, latitude, longitude, altitude, radius, method } = place;
  const named = civic !== undefined && Object.keys(civic).length > 0;
  const geo =
    latitude === undefined || longitude === undefined
      ? undefined
      : {
          latitude,
          longitude,
          ...(altitude !== undefined && { altitude }),
          ...(radius !== undefined && { radius }),
        };
  if (!named && geo === undefined) return null;
  return {
    ...(named && { civic }),
    ...(geo !== undefined && { geo }),
    ...(method !== undefined && { method }),
  };
}
