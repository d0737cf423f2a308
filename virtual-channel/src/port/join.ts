import type { Channel } from '../channel.ts';

/** Makes two channels one: bytes, back-pressure and the end of either go over to the other. */
export function joinChannels(a: Channel, b: Channel): void {
  forward(a, b);
  forward(b, a);
}

function forward(from: Channel, to: Channel): void {
  from.on('data', (chunk) => {
    if (to.closed) return;
    // The chunk is lent, and what is written is kept.
    if (!to.write(Uint8Array.from(chunk))) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('close', (reason) => {
    if (reason === undefined) void to.close();
    else to.destroy();
  });
}
