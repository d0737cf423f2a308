import { ManualClock, silentLogger } from '@offhook/common';
import { expect, it } from 'vitest';
import { watchNetwork } from '../src/network-watch.ts';

/** A clock whose wall can be set. */
class SkewedClock extends ManualClock {
  skew = 0;

  override wall(): number {
    return super.wall() + this.skew;
  }
}

function watch() {
  const clock = new SkewedClock();
  const machine = { addresses: new Set(['127.0.0.1', '192.0.2.7']) };
  const told: string[][] = [];
  const stop = watchNetwork({
    clock,
    logger: silentLogger,
    addresses: () => machine.addresses,
    onChange: (addresses) => told.push([...addresses]),
  });
  return { clock, machine, told, stop };
}

it('tells of other addresses, once', async () => {
  const { clock, machine, told, stop } = watch();
  await clock.advance(5000);
  expect(told).toEqual([]);
  machine.addresses = new Set(['127.0.0.1', '198.51.100.7']);
  await clock.advance(5000);
  expect(told).toEqual([['127.0.0.1', '198.51.100.7']]);
  machine.addresses = new Set(['127.0.0.1']);
  await clock.advance(1000);
  expect(told).toHaveLength(2);
  stop();
  expect(clock.pending).toBe(0);
});

it('tells that the machine was suspended, for the wall clock went on without the other', async () => {
  const { clock, told, stop } = watch();
  clock.skew = 3000;
  await clock.advance(2000);
  clock.skew += 60_000;
  await clock.advance(3000);
  // Set back by somebody: nothing was missed.
  clock.skew = 0;
  await clock.advance(3000);
  expect(told).toHaveLength(1);
  stop();
});
