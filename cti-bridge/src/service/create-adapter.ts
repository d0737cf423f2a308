import { readFileSync } from 'node:fs';
import { OffhookError, type Clock, type Logger } from '@offhook/common';
import { createUserAgent, type Account, type TransportName } from '@offhook/signaling';
import type { CtiAdapter } from '../adapter/adapter.ts';
import { AsteriskAdapter } from '../asterisk/asterisk-adapter.ts';
import { CstaAdapter } from '../csta/csta-adapter.ts';
import { cstaNamespace, type UaCstaSettings } from '../csta/settings.ts';
import { sipLink } from '../csta/sip-link.ts';
import { tcpLink } from '../csta/tcp-link.ts';
import { DrachtioAdapter } from '../drachtio/drachtio-adapter.ts';
import { FreeSwitchAdapter } from '../freeswitch/freeswitch-adapter.ts';
import type { SipSettings } from '../sip/settings.ts';
import { SipAdapter } from '../sip/sip-adapter.ts';
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
    case 'freeswitch': {
      const secret = readSecret(settings.secret_file);
      return { name, open: () => alone(new FreeSwitchAdapter({ settings, secret, ...tools })) };
    }
    case 'drachtio': {
      const secret = readSecret(settings.secret_file);
      return { name, open: () => alone(new DrachtioAdapter({ settings, secret, ...tools })) };
    }
    case 'uacsta':
    case 'sip': {
      const { password_file: file } = settings;
      const password = file === undefined ? '' : readSecret(file);
      return { name, open: () => withSip(settings, password, tools) };
    }
    default:
      return settings satisfies never;
  }
}

/** An adapter that was built upon nothing else. */
function alone(adapter: CtiAdapter): ReturnType<Pbx['open']> {
  return Promise.resolve({ adapter, close: () => Promise.resolve() });
}

/** An adapter that speaks SIP to phones, with a user agent of its own. */
async function withSip(
  settings: UaCstaSettings | SipSettings,
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
  const adapter =
    settings.kind === 'sip' ? sipOnly(settings, account, tools) : uaCsta(settings, account, tools);
  return { adapter, close: () => agent.close() };
}

function uaCsta(settings: UaCstaSettings, account: Account, tools: Tools): CtiAdapter {
  const { name, services } = settings;
  const namespace = cstaNamespace(settings.edition);
  const lines = Object.entries(settings.phones).map(([id, uri]) => ({
    devices: [{ id }],
    connect: sipLink(account, uri, namespace),
  }));
  return new CstaAdapter({ name, namespace, lines, services, ...tools });
}

function sipOnly(settings: SipSettings, account: Account, tools: Tools): CtiAdapter {
  const { name, services, dial_uri: dialUri } = settings;
  const phones = Object.entries(settings.phones).map(([id, uri]) => ({ id, uri }));
  return new SipAdapter({ name, account, phones, dialUri, services, ...tools });
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
