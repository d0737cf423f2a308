import { join } from 'node:path';
import { xdgRuntimeDir } from '@offhook/common';
import { z } from 'zod';

const channelAddress = z
  .string()
  .regex(
    /^(unix:\/.+|(tcp|tls):.+:\d{1,5}|port:[\w.-]{1,64})$/,
    'must be port:NAME, unix:/PATH, tcp:HOST:PORT or tls:HOST:PORT',
  );

/** `[engine]`. */
export const engine = z
  .object({
    channel: channelAddress
      .default(() => `unix:${join(xdgRuntimeDir('offhook-engine'), 'engine.sock')}`)
      .describe(
        'Where the engine is: `port:NAME` for a port of the virtual desktop (`port:org.offhook.engine.0`), `unix:/path`, `tcp:HOST:PORT` or `tls:HOST:PORT`; where an engine of this machine listens if absent',
      ),
    also: z
      .array(channelAddress)
      .max(8)
      .default([])
      .describe(
        'Channels of further thin clients. The phone is used at one at a time: where the person last came when it was nowhere, or where `offhook use` says',
      ),
    fallback: channelAddress
      .optional()
      .describe(
        'Channel of an engine in the guest, for accounts whose `away.policy` is `fallback`',
      ),
    tls: z
      .object({
        ca: z.string().optional().describe('File of PEM certificates to trust'),
        cert: z.string().optional().describe('File with our PEM certificate'),
        key: z.string().optional().describe('File with its PEM private key'),
        verify: z.boolean().default(true).describe('Whether the engine’s certificate is verified'),
      })
      .optional()
      .describe('For a `tls:` channel'),
    lease: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe(
        'Seconds that audio goes on at the thin client when the channel is gone; what its policy grants counts',
      ),
  })
  .prefault({})
  .describe('The engine that makes the sound');
