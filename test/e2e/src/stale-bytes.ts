import { systemClock, withDeadline } from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import { listenSpicePort } from '@offhook/virtual-channel/spice';
import { TICKET } from './stage.ts';

/** Half a frame, a whole one of nobody's, and what is none at all. */
const JUNK = Buffer.concat([
  Buffer.from('ff4f484b0000010000000000', 'hex'),
  Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  Buffer.alloc(20_000, 0xff),
  Buffer.from('ff4f484b', 'hex'),
]);

/** A client that writes into the port what means nothing, and goes in the middle of it. */
export async function leaveStaleBytes(port: number): Promise<void> {
  const opened = Promise.withResolvers<Channel>();
  const listener = listenSpicePort({
    source: { host: '127.0.0.1', port, password: TICKET, secureChannels: [] },
    portName: 'org.offhook.engine.0',
    clock: systemClock,
    onChannel: opened.resolve,
  });
  try {
    const what = { layer: 'channel', what: 'the port', ms: 10_000 } as const;
    const channel = await withDeadline(what, () => opened.promise);
    channel.write(JUNK);
    await withDeadline({ ...what, what: 'an answer of the guest' }, async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      channel.on('data', () => resolve());
      await promise;
    });
    channel.write(JUNK);
  } finally {
    await listener.close();
  }
}
