import { readFileSync } from 'node:fs';
import { OffhookError, type Clock, type Logger } from '@offhook/common';
import { createUserAgent, type TransportName } from '@offhook/signaling';
import type { CtiAdapter } from '../adapter/adapter.ts';
import { AsteriskAdapter } from '../asterisk/asterisk-adapter.ts';
import { CstaAdapter } from '../csta/csta-adapter.ts';
import { cstaNamespace, type UaCstaSettings } from '../csta/settings.ts';
import { sipLink } from '../csta/sip-link.ts';
import { tcpLink } from '../csta/tcp-link.ts';
import type { Pbx } from '../site/owned-pbx.ts';
import type { PbxConfig } from './config.ts';

interface Tools {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What one `[[pbx]]` of the configuration stands for. Its files are read at once. */
export function pbxOf(settings: PbxConfig, tools: Tools): Pbx {
  const { name } = settings;
  switch (settings.kind) {
    case 'asterisk': {
      const secret = readSecret(settings.secret_file);
      return { name, open: () => alone(new AsteriskAdapter({ settings, secret, ...tools })) };
    }
    case 'csta-tcp': {
      const { host, port, services } = settings;
      const devices = settings.devices.map((id) => ({ id }));
      const namespace = cstaNamespace(settings.edition);
      const lines = [{ devices, connect: tcpLink({ host, port }) }];
      return {
        name,
        open: () => alone(new CstaAdapter({ name, namespace, lines, services, ...tools })),
      };
    }
    case 'uacsta': {
      const { password_file: file } = settings;
      const password = file === undefined ? '' : readSecret(file);
      return { name, open: () => uaCsta(settings, password, tools) };
    }
    default:
      return settings satisfies never;
  }
}

/** An adapter that was built upon nothing else. */
function alone(adapter: CtiAdapter): ReturnType<Pbx['open']> {
  return Promise.resolve({ adapter, close: () => Promise.resolve() });
}

async function uaCsta(
  settings: UaCstaSettings,
  password: string,
  tools: Tools,
): ReturnType<Pbx['open']> {
  const { aor, username, outbound_proxy: proxy } = settings;
  const [transport = 'udp', address = '', port = ''] = settings.listen.split(':');
  const agent = await createUserAgent({
    listen: [{ transport: transport as TransportName, address, port: Number(port) }],
    product: 'offhook-cti',
    logger: tools.logger,
    ...(proxy === undefined ? {} : { outboundProxy: proxy }),
  });
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
