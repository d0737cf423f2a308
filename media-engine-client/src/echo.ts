import type { Channel } from '@offhook/virtual-channel';

/** Says again what a guest says (RFC 862), so that the way to here and back can be measured. */
export function echo(stream: Channel): void {
  stream.on('data', (chunk) => {
    if (!stream.closed && !stream.write(Uint8Array.from(chunk))) stream.pause();
  });
  stream.on('drain', () => stream.resume());
}
