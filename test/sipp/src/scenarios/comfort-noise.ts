import assert from 'node:assert/strict';
import { goertzel, level } from '@offhook/common/audio';
import { scenario } from '../runner/scenario.ts';
import { FAR_END_HZ } from '../runner/stage.ts';
import { hangUp, place } from './steps.ts';

const NOISE_DB = 45;
const SILENCE_MS = 1000;

/** A peer that sends a word about its silence instead of the silence. */
export const comfortNoise = scenario({
  id: 'media-comfort-noise',
  title: 'Comfort noise is offered, and heard while the peer sends nothing',
  requirements: ['media.comfort-noise'],
  setting: {
    accounts: () => [
      { aor: 'sip:alice@offhook.test', register: false, codecs: ['PCMA'], comfort_noise: true },
    ],
  },
  async run(stage) {
    const { signal } = stage;
    const placed = await place(stage, 'uas-answer.xml');
    await stage.phone.becomes(placed.call, 'established');
    const invite = await placed.sipp.receives('INVITE');
    assert.match(invite.body, /^m=audio \d+ RTP\/AVP 8 13 101\r?$/m);
    assert.match(invite.body, /^a=rtpmap:13 CN\/8000\r?$/m);
    await stage.engine.plays(FAR_END_HZ, { ms: 600, signal });
    const mark = await stage.engine.mark();
    await placed.far.silence(NOISE_DB, SILENCE_MS);
    await stage.engine.plays(FAR_END_HZ, { ms: 600, mark: mark + SILENCE_MS / 1000, signal });

    const { samples, sampleRate } = await stage.engine.played(mark);
    const piece = sampleRate / 20;
    const pieces = Array.from({ length: Math.floor(samples.length / piece) }, (_, at) =>
      samples.subarray(at * piece, (at + 1) * piece),
    );
    const noise = pieces.filter((one) => goertzel(one, FAR_END_HZ, sampleRate) < -40).map(level);
    const right = noise.filter((db) => Math.abs(db + NOISE_DB) < 3);
    assert.ok(right.length >= 17, `${right.length} of ${noise.length} pieces: ${noise.join(' ')}`);
    assert.equal(noise.filter((db) => db < -60).length, 0, noise.join(' '));
    const [call] = await stage.phone.calls();
    assert.equal(call?.media.lossPct, 0);
    await hangUp(stage, placed);
  },
});
