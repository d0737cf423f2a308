// Runs in the guest: how long a command of the media contract takes that costs the engine nothing, and a raw
// message of 64 bytes through the same processes. Prints the milliseconds of each, as JSON.
import { connectMedia } from '@offhook/media-rpc';
import type { Channel } from '@offhook/virtual-channel';
import { connectPort } from '@offhook/virtual-channel/port';

const HELPER = '/run/offhook/port-org.offhook.engine.0.sock';
const ROUNDS = 500;
/** Code is compiled, and buffers have grown, after so many. */
const WARM_UP = 500;
const RAW_BYTES = 64;
const LEASE_MS = 60_000;

const open = (service: string) => connectPort({ socketPath: HELPER, service });
const media = await connectMedia(await open('media'), {
  instanceId: 'round-trips',
  leaseMs: LEASE_MS,
});
const raw = await open('echo');
const arrived = countBytes(raw);
const samples = { rpc: [] as number[], raw: [] as number[] };
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  const rpc = await timed(() => media.call('stats.subscribe', { intervalMs: 0 }));
  const echo = await timed(() => {
    const back = arrived(RAW_BYTES);
    raw.write(Buffer.alloc(RAW_BYTES, 0x55));
    return back;
  });
  if (round < WARM_UP) continue;
  samples.rpc.push(rpc);
  samples.raw.push(echo);
}
console.log(JSON.stringify(samples));
process.exit(0);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Resolves when so many more bytes have come. */
function countBytes(channel: Channel): (count: number) => Promise<void> {
  let missing = 0;
  let done: (() => void) | undefined;
  channel.on('data', ({ length }) => {
    missing -= length;
    if (missing <= 0) done?.();
  });
  channel.resume();
  return (count) => {
    missing += count;
    const { promise, resolve } = Promise.withResolvers<void>();
    done = resolve;
    return promise;
  };
}
