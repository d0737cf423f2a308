import { ManualClock } from '@offhook/common';
import { createMemoryPair } from '@offhook/virtual-channel';
import { Mux } from '@offhook/virtual-channel/mux';
import { expect, it } from 'vitest';
import { echo } from '../src/echo.ts';

it('a stream to the service echo brings back what is said, however much, in order', async () => {
  const clock = new ManualClock();
  const { left, right } = createMemoryPair({ clock });
  const guest = new Mux(left, { clock });
  const engine = new Mux(right, { clock, services: { echo } });
  const up = Promise.withResolvers<void>();
  guest.on('up', up.resolve);
  await up.promise;
  const stream = guest.open('echo');
  const said = Buffer.alloc(500_000, 'Offhook ');
  const heard: Uint8Array[] = [];
  const whole = Promise.withResolvers<void>();
  stream.on('data', (chunk) => {
    heard.push(Uint8Array.from(chunk));
    if (heard.reduce((sum, { length }) => sum + length, 0) === said.length) whole.resolve();
  });
  stream.write(said);
  await whole.promise;
  expect(Buffer.concat(heard).equals(said)).toBe(true);
  expect(engine.streams).toBe(1);
});
