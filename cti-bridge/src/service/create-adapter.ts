import { readFileSync } from 'node:fs';
import { OffhookError, type Clock, type Logger } from '@offhook/common';
import { createUserAgent, type TransportName } from '@offhook/signaling';
import type { CtiAdapter } from '../adapter/adapter.ts';
import { AsteriskAdapter } from '../asterisk/asterisk-adapter.ts';
import { CstaAdapter } from '../csta/csta-adapter.ts';
import { cstaNamespace, type UaCstaSettings } from '../csta/settings.ts';
import { sipLink } from '../csta/sip-link.ts';
import { tcpLink } from '../csta/tcp-link.ts';
import type { PbxConfig } from './config.ts';

export interface CreatedAdapter {
  readonly adapter: CtiAdapter;
  /** What it was built upon; to be closed after it. */
  close(): Promise<void>;
}

interface Tools {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The adapter for one `[[pbx]]` of the configuration. */
export async function createAdapter(settings: PbxConfig, tools: Tools): Promise<CreatedAdapter> {
  const nothing = () => Promise.resolve();
  switch (settings.kind) {
    case 'asterisk': {
      const secret = readSecret(settings.secret_file);
      return { adapter: new AsteriskAdapter({ settings, secret, ...tools }), close: nothing };
    }
    case 'csta-tcp': {
      const { name, host, port, services } = settings;
      const devices = settings.devices.map((id) => ({ id }));
      const namespace = cstaNamespace(settings.edition);
      const lines = [{ devices, connect: tcpLink({ host, port }) }];
      const adapter = new CstaAdapter({ name, namespace, lines, services, ...tools });
      return { adapter, close: nothing };
    }
    case 'uacsta':
      return uaCsta(settings, tools);
    default:
      return settings satisfies never;
  }
}

async function uaCsta(settings: UaCstaSettings, tools: Tools): Promise<CreatedAdapter> {
  const { aor, username, password_file: file, outbound_proxy: proxy } = settings;
  const [transport = 'udp', address = '', port = ''] = settings.listen.split(':');
  const agent = await createUserAgent({
    listen: [{ transport: transport as TransportName, address, port: Number(port) }],
    product: 'offhook-cti',
    logger: tools.logger,
    ...(proxy === undefined ? {} : { outboundProxy: proxy }),
  });
  const password = file === undefined ? '' : readSecret(file);
  const account = agent.addAccount({
    aor,
    register: false,
    ...(username === undefined
      ? {}
      : { credentials: [{ username, password: () => Promise.resolve(password) }] }),
  });
  const namespace = cstaNamespace(settings.edition);
  const adapter = new CstaAdapter({
    name: settings.name,
    namespace,
    lines: Object.entries(settings.phones).map(([id, uri]) => ({
      devices: [{ id }],
      connect: sipLink(account, uri, namespace),
    })),
    services: settings.services,
    ...tools,
  });
  return { adapter, close: () => agent.close() };
}

/** @throws OffhookError `config` `unreadable` */
export function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new OffhookError('config', 'unreadable', `${file}: cannot be read (${code})`, {
      cause: error,
    });
  }
}
