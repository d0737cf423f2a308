import { randomUUID } from 'node:crypto';

import { systemClock, type Logger } from '@offhook/common';
import { connectMedia } from '@offhook/media-rpc';
import { MediaLink, type MediaPort } from '@offhook/softphone-guest';
import { connectChannel } from '@offhook/virtual-channel';

const LEASE_MS = 10_000;
const CONNECTED_WITHIN_MS = 5000;

/** A line to an engine, for somebody who only answers calls: nothing is restored after a loss. */
export async function openMediaPort(
  socket: string,
  logger: Logger,
): Promise<MediaPort & { close(): Promise<void> }> {
  const channel = `unix:${socket}`;
  const link = new MediaLink({
    channel,
    connect: async (signal) =>
      connectMedia(await connectChannel(channel, { signal }), {
        instanceId: randomUUID(),
        leaseMs: LEASE_MS,
        signal,
      }),
    leaseMs: LEASE_MS,
    desired: () => [],
    clock: systemClock,
    logger,
  });
  link.start();
  if (!(await link.ready(CONNECTED_WITHIN_MS))) {
    await link.close();
    throw link.notConnected();
  }
  return link;
}
