import { readFile } from 'node:fs/promises';

import { OffhookError, withDeadline, type ControlClient } from '@offhook/common';
import { dominantFrequency, level, readWav } from '@offhook/common/audio';
import { controlMethods, type CallInfo } from '@offhook/softphone-guest';

import { openScene, type Scene } from './scene/scene.ts';

const TONE_HZ = 440;
/** RTCP has told the round trip within the first seconds; this leaves room for a slow machine. */
const FIGURES_WITHIN_MS = 20_000;
/** Two seconds of audio: the frequency comes out to a tenth of a hertz. */
const ENOUGH_PACKETS = 150;
const POLL_MS = 200;

/** What came back from `echo`; one JSON object, the last line of the headless demo. */
export interface Report {
  readonly registered: boolean;
  readonly answered: boolean;
  readonly codec: string | null;
  readonly rxPackets: number;
  readonly lossPct: number;
  readonly toneHz: number | null;
  readonly rttMs: number | null;
}

/** Calls `echo` with a tone, listens to what comes back, and tells; true if all of it is right. */
export async function runHeadless(signal: AbortSignal): Promise<boolean> {
  const say = (line: string) => console.log(line);
  const scene = await openScene({
    input: `tone:${TONE_HZ}`,
    record: true,
    desk: false,
    report: say,
    signal,
  });
  let report: Report;
  try {
    report = await callEcho(scene, say, signal);
  } finally {
    await scene.close();
  }
  const right = isRight(report);
  say(right ? 'the call was good' : 'the call was NOT as it should be');
  console.log(JSON.stringify(report));
  return right;
}

async function callEcho(
  scene: Scene,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Report> {
  const { control, recording } = scene;
  say(`dialling echo with a tone of ${TONE_HZ} Hz for a microphone`);
  const call = await control.call(
    'call.dial',
    { target: 'echo', wait: 10_000 },
    { result: controlMethods['call.dial'].result, timeoutMs: 12_000 },
  );
  say(`answered by ${call.remote}`);
  const { media } = await figures(control, call.id, signal);
  say(
    `${media.rxPackets} packets of ${media.codec ?? 'no codec'} came back, ` +
      `${media.lossPct} % lost, round trip ${media.rttMs?.toFixed(2) ?? '?'} ms`,
  );
  await control.call('call.hangup', { call: call.id });
  say('hung up');
  const toneHz = await listen(recording);
  say(toneHz === null ? 'nothing was to be heard' : `heard ${toneHz.toFixed(1)} Hz`);
  return {
    registered: scene.registered,
    answered: call.state === 'established',
    codec: media.codec,
    rxPackets: media.rxPackets,
    lossPct: media.lossPct,
    toneHz,
    rttMs: media.rttMs === null ? null : Math.round(media.rttMs * 100) / 100,
  };
}

/** The call once enough audio has come and RTCP has told the round trip. */
function figures(control: ControlClient, call: string, outer: AbortSignal): Promise<CallInfo> {
  const { result } = controlMethods['call.get'];
  const options = {
    layer: 'media',
    what: 'waiting for figures of the call',
    ms: FIGURES_WITHIN_MS,
    signal: outer,
  } as const;
  return withDeadline(options, async (signal) => {
    for (;;) {
      const info = await control.call('call.get', { call }, { result, signal });
      if (info.state === 'ended') {
        const why = `the call ended: ${info.end?.reason ?? 'no reason'}`;
        throw new OffhookError('call', 'ended-early', why);
      }
      if (info.media.rxPackets >= ENOUGH_PACKETS && info.media.rttMs !== null) return info;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

/** The strongest frequency in the recording, in Hz; null if it is silent. */
async function listen(recording: string): Promise<number | null> {
  const { samples, sampleRate } = readWav(await readFile(recording));
  // The first second may hold the start of the call.
  const audio = { sampleRate, samples: samples.subarray(Math.min(sampleRate, samples.length / 2)) };
  return level(audio.samples) < -50 ? null : dominantFrequency(audio);
}

function isRight(report: Report): boolean {
  return (
    report.registered &&
    report.answered &&
    report.codec === 'opus' &&
    report.rxPackets >= ENOUGH_PACKETS &&
    report.lossPct < 1 &&
    report.toneHz !== null &&
    Math.abs(report.toneHz - TONE_HZ) < 1 &&
    report.rttMs !== null
  );
}
