import { randomUUID } from 'node:crypto';
import { connectMedia, type MediaClient } from '@offhook/media-rpc';
import { connectChannel, type TlsOptions } from '@offhook/virtual-channel';
import type { GuestConfig } from './config.ts';
import { readPem } from './pem.ts';
import { connectThroughHelper } from './port-helper.ts';

export { createUserAgent } from '@offhook/signaling';

/** Connects to the configured engine. The instance id is that of this process. */
export function connectEngine(config: GuestConfig): (signal: AbortSignal) => Promise<MediaClient> {
  const { channel: address, lease, tls } = config.engine;
  const instanceId = randomUUID();
  return async (signal) => {
    const channel = address.startsWith('port:')
      ? await connectThroughHelper(address.slice('port:'.length), signal)
      : await connectChannel(address, {
          signal,
          ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
        });
    return connectMedia(channel, { instanceId, leaseMs: lease * 1000, signal });
  };
}

/** Read anew for each connection: a certificate may have been renewed. */
function tlsOptions(tls: NonNullable<GuestConfig['engine']['tls']>): TlsOptions {
  return {
    verify: tls.verify,
    ...(tls.ca === undefined ? {} : { ca: readPem(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: readPem(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: readPem(tls.key) }),
  };
}
