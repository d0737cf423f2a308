import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { level, speech, writeWav } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';
import type { LegConfig, VoiceProcessing } from '../../src/media-plane.ts';
import { PulseServer } from './pulse-server.ts';
import {
  legConfig,
  openPlane,
  openSockets,
  rawWorker,
  recording,
  type TestPlane,
} from './test-plane.ts';

const BUFFERS = 'buffer-time=40000 latency-time=10000 provide-clock=false';
const ON: VoiceProcessing = {
  echoCancellation: true,
  noiseSuppression: 'off',
  gainControl: false,
};

/** The loudspeaker is heard by the microphone, 10 dB softer, with some reverberation, `ms` later. */
async function room(worker: TestPlane, ms: number): Promise<AsyncDisposable> {
  const connection = await rawWorker(worker.socketPath);
  await connection.request('pipeline.play', {
    id: 'room',
    tag: '',
    closeFirst: false,
    description: [
      `pulsesrc device=speaker.monitor ${BUFFERS}`,
      'audio/x-raw,format=S16LE,rate=16000,channels=1',
      'audioconvert ! audioecho delay=13000000 max-delay=13000000 intensity=0.3 feedback=0.2',
      'audioecho delay=31000000 max-delay=31000000 intensity=0.2 feedback=0.1',
      'volume volume=0.3 ! audioconvert ! queue',
      `pulsesink device=mic sync=true processing-deadline=0 ts-offset=${ms * 1_000_000} ${BUFFERS}`,
    ].join(' ! '),
  });
  return {
    [Symbol.asyncDispose]: () => {
      connection.close();
      return Promise.resolve();
    },
  };
}

interface Call extends AsyncDisposable {
  readonly here: TestPlane;
  readonly leg: LegConfig;
  /** What the far end hears, dBFS, of the last second. */
  heard(): Promise<number>;
}

/** A call of a loudspeaker and a microphone to somebody who speaks and listens. */
async function call(directory: string, voice: VoiceProcessing | undefined): Promise<Call> {
  const stack = new AsyncDisposableStack();
  const here = stack.use(await openPlane());
  const there = stack.use(await openPlane());
  const said = join(directory, 'far.wav');
  await writeFile(said, writeWav(speech(20, 1)));
  const heard = join(there.directory, 'heard.wav');
  const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
  const leg = legConfig('a', a, b, {
    input: 'pulse:mic.monitor',
    output: 'pulse:speaker',
    ...(voice === undefined ? {} : { voice }),
  });
  stack.use(await room(there, 80));
  await here.plane.setLeg(leg);
  await there.plane.setLeg(
    legConfig('b', b, a, { input: `file:${said}`, output: `file:${heard}` }),
  );
  return {
    here,
    leg,
    async heard() {
      const audio = await recording(heard).catch(() => undefined);
      if (audio === undefined || audio.samples.length < audio.sampleRate) return Number.NaN;
      return level(audio.samples.subarray(-audio.sampleRate));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe('the echo of a loudspeaker', () => {
  it('is taken out of what the microphone sends, once its way is known, and left in when that is off', async () => {
    await using pulse = await PulseServer.start(['mic', 'speaker']);
    await using one = await call(pulse.directory, undefined);
    const echo = async () => (await one.here.plane.stats('a')).echo;
    await expect.poll(() => one.heard(), { timeout: 8000 }).toBeGreaterThan(-40);
    expect(await echo()).toBeUndefined();

    await one.here.plane.setLeg({ ...one.leg, voice: ON });
    await expect.poll(() => one.heard(), { timeout: 10_000 }).toBeLessThan(-55);
    expect((await echo())?.delayMs).toBeGreaterThan(60);
    await expect.poll(async () => (await echo())?.erleDb, { timeout: 8000 }).toBeGreaterThan(15);

    await one.here.plane.setLeg(one.leg);
    await expect.poll(() => one.heard(), { timeout: 5000 }).toBeGreaterThan(-40);
  }, 40_000);

  it('is found anew when the loudspeaker vanishes in the call and is there again', async () => {
    await using pulse = await PulseServer.start(['mic', 'desk']);
    const plug = () => pulse.pactl('load-module', 'module-null-sink', 'sink_name=speaker');
    const module = await plug();
    await using one = await call(pulse.directory, ON);
    const echo = async () => (await one.here.plane.stats('a')).echo;
    await expect.poll(echo, { timeout: 10_000 }).toBeDefined();
    const standIns: unknown[] = [];
    one.here.plane.on('standIns', (event) => standIns.push(event.standIns));
    await pulse.pactl('unload-module', module);
    await expect
      .poll(() => standIns.at(-1), { timeout: 5000 })
      .toStrictEqual({ output: 'default' });
    await plug();
    await expect.poll(() => standIns.at(-1), { timeout: 8000 }).toStrictEqual({});
    await using _room = await room(one.here, 80);
    await expect.poll(echo, { timeout: 10_000 }).toBeDefined();
  }, 40_000);
});
