import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTone, level } from '@offhook/common/audio';
import type { CodecName } from '@offhook/media-rpc';
import { codec, legConfig, openPlane, openSockets, played, recording } from './test-plane.ts';

describe.each<[CodecName, number]>([
  ['PCMA', 20],
  ['PCMU', 20],
  ['G722', 20],
  ['opus', 20],
  ['PCMA', 10],
  ['G722', 30],
  ['opus', 60],
])('a call with %s in packets of %i ms', (name, ptimeMs) => {
  it('carries a tone both ways without a gap', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const [hereWav, thereWav] = [join(here.directory, 'a.wav'), join(there.directory, 'b.wav')];
    const common = { codec: codec(name, ptimeMs) };
    await here.plane.setLeg(
      legConfig('a', a, b, { ...common, input: 'tone:440', output: `file:${hereWav}` }),
    );
    await there.plane.setLeg(
      legConfig('b', b, a, { ...common, input: 'tone:700', output: `file:${thereWav}` }),
    );
    await played(hereWav, 700, 700);
    await played(thereWav, 440, 700);
    for (const [path, hz] of [
      [hereWav, 700],
      [thereWav, 440],
    ] as const) {
      const { samples, sampleRate } = await recording(path);
      // The codecs need a moment to adapt.
      const audio = { sampleRate, samples: samples.subarray(sampleRate / 10) };
      const tone = findTone(audio, hz);
      expect(tone.presentMs).toBeGreaterThan(500);
      expect(tone.longestGapMs).toBeLessThanOrEqual(10);
      expect(level(audio.samples)).toBeGreaterThan(-20);
    }
    const stats = await here.plane.stats('a');
    expect(stats.rx.lost).toBe(0);
    expect(stats.rx.rejected).toBe(0);
    expect(stats.concealedPct).toBe(0);
    expect(stats.levels?.inputDb).toBeGreaterThan(-20);
    expect(stats.levels?.outputDb).toBeGreaterThan(-20);
  });
});
