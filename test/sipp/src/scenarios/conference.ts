import assert from 'node:assert/strict';
import { until } from '../infra/wait.ts';
import type { MediaPeer } from '../media/media-peer.ts';
import { MICROPHONE_HZ } from '../phone/engine-process.ts';
import { scenario } from '../runner/scenario.ts';
import { hangUp, place } from './steps.ts';

const TONES = [700, 1100, 1900] as const;
const ALL: readonly number[] = [MICROPHONE_HZ, ...TONES];

/** Waits until the far end hears exactly these of the tones. */
async function hears(far: MediaPeer, tones: readonly number[]): Promise<void> {
  const list = (hz: readonly number[]) => hz.toSorted((a, b) => a - b).join(', ');
  await until(
    `the far end to hear ${list(tones)} Hz`,
    () => list(far.mixNow(ALL)) === list(tones) || undefined,
    { within: 8000, every: 100, seen: () => `it hears ${list(far.mixNow(ALL))} Hz` },
  );
}

/** Several parties at once. */
export const conferences = [
  ...scenario({
    id: 'conference',
    title: 'Three parties in conference: one leaves and comes back, one hangs up',
    requirements: ['media.conference'],
    over: ['udp', 'tcp'],
    deadline: 60_000,
    async run(stage) {
      const placed = [];
      for (const [at, toneHz] of TONES.entries()) {
        const one = await place(stage, 'uas-answer.xml', { sound: { toneHz }, name: `party${at}` });
        await stage.phone.becomes(one.call, 'established');
        placed.push(one);
      }
      const [bob, carol, dave] = placed;
      assert.ok(bob !== undefined && carol !== undefined && dave !== undefined);
      await hears(bob.far, [MICROPHONE_HZ]);

      const { calls } = await stage.phone.call('call.join', {});
      assert.equal(new Set(calls.map(({ conference }) => conference)).size, 1);
      await hears(bob.far, [MICROPHONE_HZ, 1100, 1900]);
      await hears(carol.far, [MICROPHONE_HZ, 700, 1900]);
      await hears(dave.far, [MICROPHONE_HZ, 700, 1100]);

      await stage.phone.call('call.mute', { all: true });
      await hears(bob.far, [1100, 1900]);
      await stage.phone.call('call.unmute', { all: true });

      await hangUp(stage, dave);
      await hears(bob.far, [MICROPHONE_HZ, 1100]);
      await hears(carol.far, [MICROPHONE_HZ, 700]);
      await hangUp(stage, carol);
      await hears(bob.far, [MICROPHONE_HZ]);
      assert.equal((await stage.phone.get(bob.call)).conference, null);
      await hangUp(stage, bob);
    },
  }),
  ...scenario({
    id: 'conference-leave',
    title: 'A party is taken out of the conference, held, and brought back',
    requirements: ['media.conference', 'reinvite.hold'],
    async run(stage) {
      const bob = await place(stage, 'uas-answer.xml', { sound: { toneHz: 700 } });
      await stage.phone.becomes(bob.call, 'established');
      const carol = await place(stage, 'uas-hold.xml', { sound: { toneHz: 1100 }, name: 'carol' });
      await stage.phone.becomes(carol.call, 'established');
      await stage.phone.call('call.join', { calls: [bob.call, carol.call] });
      await hears(bob.far, [MICROPHONE_HZ, 1100]);
      await stage.phone.call('call.leave', { call: carol.call });
      await hears(bob.far, [MICROPHONE_HZ]);
      await stage.phone.call('call.join', { calls: [bob.call, carol.call] });
      await hears(bob.far, [MICROPHONE_HZ, 1100]);
      await hears(carol.far, [MICROPHONE_HZ, 700]);
      await hangUp(stage, carol);
      await hangUp(stage, bob);
    },
  }),
];
