import { randomInt, randomUUID } from 'node:crypto';

import { describeError, type Clock, type Logger } from '@offhook/common';
import type { Account, IncomingCall, UserAgent, UserAgentOptions } from '@offhook/signaling';
import { CallMedia, type MediaPort } from '@offhook/softphone-guest';

import { DigestGate } from './digest.ts';
import { extensions, type Extension, type MediaSource } from './extensions.ts';
import { Registrar } from './registrar.ts';

export interface PbxParts {
  readonly createUserAgent: (options: UserAgentOptions) => Promise<UserAgent>;
  /** The engine that makes the sound of an answering extension. */
  readonly media: (source: MediaSource) => Promise<MediaPort>;
  /** Who may register, and their passwords. */
  readonly passwords: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Pbx {
  /** Host and port, as a SIP URI has them. */
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a small PBX on a free UDP and TCP port of the loopback address. */
export async function startPbx(parts: PbxParts): Promise<Pbx> {
  const gate = new DigestGate({
    realm: 'offhook-demo',
    passwords: parts.passwords,
    clock: parts.clock,
  });
  const registrar = new Registrar({ gate, clock: parts.clock });
  const userAgent = await parts.createUserAgent({
    listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
    product: 'Offhook-demo-PBX',
    logger: parts.logger,
    serve: async (request) =>
      request.method === 'REGISTER' ? registrar.register(request) : undefined,
  });
  const port = userAgent.listening[0]?.port ?? 0;
  const address = `127.0.0.1:${port}`;
  const calls = new Set<CallMedia>();
  for (const extension of extensions) {
    const account = userAgent.addAccount({
      aor: `sip:${extension.name}@${address}`,
      register: false,
    });
    account.on('incoming', (call) => treat(parts, account, extension, call, calls));
  }
  return {
    address,
    async close() {
      await userAgent.close();
      await Promise.all([...calls].map((media) => media.close()));
    },
  };
}

function treat(
  parts: PbxParts,
  account: Account,
  { name, treatment }: Extension,
  call: IncomingCall,
  calls: Set<CallMedia>,
): void {
  const { logger } = parts;
  logger.info({ extension: name, from: call.remote.uri }, 'call');
  const failed = (error: unknown) =>
    logger.warn({ extension: name, reason: describeError(error) }, 'call failed');
  switch (treatment.kind) {
    case 'ring':
      return;
    case 'refuse':
      call.reject({ status: treatment.status }).catch(failed);
      return;
    case 'answer': {
      const media = new CallMedia({
        id: `pbx-${randomUUID()}`,
        port: lazyPort(() => parts.media(treatment.source)),
        options: { label: `${name} for ${call.remote.uri}`.slice(0, 256) },
        originId: String(randomInt(2 ** 47)),
        commandId: randomUUID,
        logger,
        onState: () => undefined,
        onLost: () => undefined,
        onChange: () => undefined,
      });
      calls.add(media);
      call.useAgent(media);
      call.on('ended', () => {
        calls.delete(media);
        media.close().catch(failed);
      });
      call.answer().catch(failed);
      return;
    }
    default:
      treatment satisfies never;
  }
}

/** The engine is asked for when the first command needs it: an extension nobody calls costs none. */
function lazyPort(open: () => Promise<MediaPort>): MediaPort {
  return {
    connected: true,
    call: async (method, params, options) => (await open()).call(method, params, options),
  };
}
