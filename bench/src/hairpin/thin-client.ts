import { join } from 'node:path';

import { EngineProcess, ManagedProcess, type Namespace, type Pulse } from '@offhook/test-sipp';

import { PLAIN_SOUND } from '../latency/plain-sound.ts';
import { LINE } from './addresses.ts';
import type { Path } from './options.ts';

export const TICKET = 'sekret';
/** The devices of the thin client: sinks of the sound server, and what they stand for. */
export const MICROPHONE = 'near-mic';
export const LOUDSPEAKER = 'near-out';

/** spice-gtk's own pipelines, with as little kept in them as works without gaps. */
const BUFFERS = 'buffer-time=40000 latency-time=10000';
const PCM = 'audio/x-raw,format=S16LE,channels=2,rate=48000,layout=interleaved';
const TUNED = {
  SPICE_GST_AUDIOSINK: `appsrc is-live=1 do-timestamp=0 format=time caps="${PCM}" name="appsrc" ! queue leaky=downstream max-size-time=20000000 max-size-buffers=0 max-size-bytes=0 ! audioconvert ! audioresample ! pulsesink ${BUFFERS} name="audiosink"`,
  SPICE_GST_AUDIOSRC: `pulsesrc ${BUFFERS} name="audiosrc" ! queue ! audioconvert ! audioresample ! appsink caps="${PCM}" name="appsink"`,
};

export interface Place {
  readonly directory: string;
  readonly namespace: Namespace;
  readonly pulse: Pulse;
  readonly host: string;
  readonly port: number;
}

/** Connects to the desktop: with our engine, or with spice-gtk's audio. */
export function connect(path: Path, place: Place): Promise<{ stop(): Promise<unknown> }> {
  return path === 'redirected' ? startEngine(place) : startViewer(path, place);
}

function startEngine({ directory, namespace, pulse, host, port }: Place): Promise<EngineProcess> {
  return EngineProcess.start({
    directory,
    wrap: (program) => namespace.wrap(pulse.wrap(program)),
    config: {
      engine: { log_level: 'info' },
      rtp: { address: LINE.client },
      audio: {
        ...PLAIN_SOUND,
        input: `pulse:${MICROPHONE}.monitor`,
        output: `pulse:${LOUDSPEAKER}`,
      },
    },
    args: ['--spice', `spice://${host}:${port}?password=${TICKET}`],
  });
}

async function startViewer(path: Path, place: Place): Promise<ManagedProcess> {
  const { directory, namespace, pulse, host, port } = place;
  const client = join(import.meta.dirname, 'spice-client.py');
  const program = { command: '/usr/bin/python3', args: [client, host, String(port)] };
  const viewer = new ManagedProcess({
    name: 'spice-gtk',
    ...namespace.wrap(pulse.wrap(program)),
    env: {
      TICKET,
      PULSE_SINK: LOUDSPEAKER,
      PULSE_SOURCE: `${MICROPHONE}.monitor`,
      ...(path === 'tuned' ? TUNED : {}),
    },
    logFile: join(directory, 'viewer.log'),
  });
  return viewer.ready(/^ready$/m, { within: 20_000 });
}
