import { ManualClock, OffhookError, silentLogger } from '@offhook/common';
import { parseGuestConfig, type GuestConfig } from '../../src/config.ts';
import { createPhone, type Phone } from '../../src/phone.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeUserAgent, type FakeAccount } from './fake-sip.ts';

export interface FakePhone {
  readonly phone: Phone;
  /** Engines at other channels than the usual one. */
  readonly others: Map<string, FakeEngine>;
  readonly clock: ManualClock;
  readonly userAgent: FakeUserAgent;
  readonly account: FakeAccount;
  readonly config: GuestConfig;
  /** The engine that the next connection reaches; undefined: none. */
  engine: FakeEngine | undefined;
}

export function guestConfig(account = '', rest = ''): GuestConfig {
  return parseGuestConfig(`
[sip]
listen = ["udp:127.0.0.1:5080"]
[[account]]
aor = "sip:alice@example.com"
${account}
[engine]
channel = "unix:/run/engine.sock"
${rest}`);
}

/** A phone on virtual time, with an engine and a far end in memory. */
export async function fakePhone(config: GuestConfig = guestConfig()): Promise<FakePhone> {
  const clock = new ManualClock();
  let seed = 1;
  const parts = {
    clock,
    config,
    engine: new FakeEngine() as FakeEngine | undefined,
    others: new Map<string, FakeEngine>(),
    userAgent: undefined as FakeUserAgent | undefined,
  };
  const phone = await createPhone({
    config,
    clock,
    random: () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647,
    logger: silentLogger,
    product: 'test',
    instance: 'test',
    register: true,
    createUserAgent: (options) => {
      parts.userAgent = new FakeUserAgent(options);
      return Promise.resolve(parts.userAgent);
    },
    connectEngine: (_signal, channel) => {
      const usual = channel === undefined || channel === config.engine.channel;
      const engine = usual ? parts.engine : parts.others.get(channel);
      return engine === undefined
        ? Promise.reject(new OffhookError('channel', 'not-reachable', 'nothing listens'))
        : Promise.resolve(engine.connect());
    },
  });
  const userAgent = parts.userAgent;
  const account = userAgent?.accounts[0];
  if (userAgent === undefined || account === undefined) throw new Error('no account');
  await clock.advance(0);
  return Object.assign(parts, { phone, userAgent, account });
}
