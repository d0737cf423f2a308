import { OffhookError } from '@offhook/common';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import { quantile, round, spread } from '../measure/statistics.ts';
import { openTestbed } from '../measure/testbed.ts';
import { Baresip } from '../peers/baresip.ts';
import { Reflector } from '../peers/reflector.ts';
import { Uac, type Target } from '../peers/uac.ts';
import { atMost, type Figures } from '../report.ts';

const WARM_UP = 20;
const CALLS = 200;

/**
 * The same caller rings both sides in turn: the guest, which asks the engine over the channel for
 * its answer, and baresip, which has its media in the same process.
 */
export const p6: Benchmark = {
  id: 'P6',
  what: 'INVITE in to 200 out, automatic answer through the remote engine',
  run,
};

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  const testbed = await openTestbed();
  const baresip = await Baresip.start('PCMA');
  const uac = await Uac.open();
  const reflector = await Reflector.open();
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    const offer = reflector.offer('PCMA');
    const ring = async (target: Target): Promise<number> => {
      const call = await uac.call(target, offer);
      if (!/^m=audio [1-9]/m.test(call.answer)) {
        throw new OffhookError('media', 'no-audio', 'the answer has no audio');
      }
      await call.hangup();
      return call.setupMs;
    };
    for (let count = 0; count < WARM_UP + CALLS; count++) {
      signal.throwIfAborted();
      const mine = await ring({ user: 'bench', port: testbed.guest.port });
      const peer = await ring({ user: 'bench', port: baresip.port });
      if (count < WARM_UP) continue;
      ours.push(mine);
      theirs.push(peer);
    }
  } finally {
    uac.close();
    reflector.close();
    await baresip.stop();
    await testbed.close();
  }
  say(`P6: ${CALLS} calls each, in turn`);
  const detail = { offhookMs: spread(ours), baresipMs: spread(theirs) };
  const figure = (q: number) =>
    atMost(
      { target: 1.5, unit: 'ratio', peer: 'baresip, automatic answer' },
      round(quantile(ours, q) / quantile(theirs, q)),
      detail,
    );
  return { 'P6.p50': figure(0.5), 'P6.p99': figure(0.99) };
}
