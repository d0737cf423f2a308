import { connectMedia, HEADSET_BUTTONS, type MediaClient } from '@offhook/media-rpc';
import { connectChannel, type TlsOptions } from '@offhook/virtual-channel';
import type { GuestConfig } from './config.ts';
import { readPem } from './pem.ts';
import { connectThroughHelper } from './port-helper.ts';

export { createUserAgent } from '@offhook/signaling';

/** Connects to the configured engine, which knows this phone by its instance id. */
export function connectEngine(
  config: GuestConfig,
  instanceId: string,
): (signal: AbortSignal, channel?: string) => Promise<MediaClient> {
  const { channel: usual, lease, tls } = config.engine;
  return async (signal, address = usual) => {
    const channel = address.startsWith('port:')
      ? await connectThroughHelper(address.slice('port:'.length), signal)
      : await connectChannel(address, {
          signal,
          ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
        });
    return connectMedia(channel, {
      instanceId,
      leaseMs: lease * 1000,
      capabilities: [HEADSET_BUTTONS],
      signal,
    });
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
