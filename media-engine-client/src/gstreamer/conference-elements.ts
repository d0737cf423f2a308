import { quote } from './quote.ts';

/** One format for all that crosses from leg to leg, whatever the codecs. */
const RATE = 48_000;
const BETWEEN = `audio/x-raw,format=S16LE,layout=interleaved,rate=${RATE},channels=1`;
const CONVERT = 'audioconvert ! audioresample';
/** Nanoseconds: as little as takes up that legs do not tick together. */
const WAITS = 'buffer-time=200000000 latency-time=20000000 period-time=10000000';

export interface ConferenceElements {
  /** Takes the microphone; what comes out is the mix that this leg sends. */
  readonly mixer: string;
  /** What the others have received, on its way in, and what this leg has received, on its way out. */
  readonly branches: readonly string[];
}

/**
 * A leg's part of a conference (GStreamer's `interaudiosink`, `interaudiosrc` and `audiomixer`): it
 * puts what it has decoded on a channel of its own, and mixes the channels of the others with the
 * microphone. So no leg is stopped when another one comes or goes, and each has its own codec.
 */
export function conferenceElements(options: {
  readonly id: string;
  readonly hears: readonly string[];
  readonly rate: number;
  readonly ptimeMs: number;
}): ConferenceElements {
  const { id, hears, rate, ptimeMs } = options;
  const own = `audio/x-raw,format=S16LE,layout=interleaved,rate=${rate},channels=1`;
  const queue =
    'queue max-size-buffers=0 max-size-bytes=0 max-size-time=200000000 leaky=downstream';
  return {
    mixer: `${queue} ! audiomixer name=mix latency=30000000 output-buffer-duration=${ptimeMs * 1_000_000} ! ${own}`,
    branches: [
      `heard. ! ${queue} ! ${CONVERT} ! ${BETWEEN} ! interaudiosink channel=${quote(id)} sync=true async=false`,
      ...hears.map(
        (other) =>
          `interaudiosrc channel=${quote(other)} ${WAITS} ! ${CONVERT} ! ${own} ! ${queue} ! mix.`,
      ),
    ],
  };
}
