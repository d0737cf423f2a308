import type { RecordingConfig } from '../media-plane.ts';
import { quote } from './quote.ts';
import { farBus, nearBus } from './tap-elements.ts';

/** Enough for speech of every codec up to G.722, and half of what the loudspeaker's rate would need. */
const WAV_CAPS = 'audio/x-raw,format=S16LE,layout=interleaved,rate=16000';
/** Of Opus, bit/s: transparent for speech, and the sides stay apart. */
const BITRATE = { stereo: 64_000, mixed: 32_000 } as const;
/** How long a disk may stand still before something is missing in the file, ns. */
const SLACK_NS = 5_000_000_000;
const SINK = 'name=file sync=false async=false enable-last-sample=false';

/** The buses of the other parties: the leg's own and those of its conference. */
export function farBuses(leg: string, hears: readonly string[]): string {
  return [leg, ...hears].map(farBus).join(' ');
}

/**
 * A recording is a pipeline of its own that reads buses, so that it is untouched when a leg is rebuilt,
 * and no leg ever waits for a disk: the queue lets go of the oldest where the disk is too slow, and
 * silence takes its place. Both files are readable at any moment: the WAV file's header is kept up to
 * date, and an Ogg page is complete in itself (RFC 3533 §6).
 */
export function describeRecorder(config: RecordingConfig, hears: readonly string[]): string {
  const { leg, file, format, channels } = config;
  const location = `location=${quote(file)}`;
  const bitrate = BITRATE[channels];
  return [
    `offhookrecordsrc name=source near=${quote(nearBus(leg))} far=${quote(farBuses(leg, hears))}`,
    `audio/x-raw,channels=${channels === 'stereo' ? 2 : 1}`,
    `queue leaky=downstream max-size-buffers=0 max-size-bytes=0 max-size-time=${SLACK_NS}`,
    ...(format === 'wav'
      ? ['audioresample', WAV_CAPS, `offhookwavsink ${SINK} ${location}`]
      : [
          'audiorate',
          `opusenc audio-type=voice bitrate=${bitrate}`,
          'oggmux',
          `filesink ${SINK} buffer-mode=unbuffered ${location}`,
        ]),
  ].join(' ! ');
}
