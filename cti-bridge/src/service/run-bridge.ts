import type { Clock, Logger } from '@offhook/common';
import { createAudit } from './audit.ts';
import { Authenticator } from './authenticator.ts';
import { Bridge } from './bridge.ts';
import type { CtiConfig, SiteConfig } from './config.ts';
import { pbxOf, readSecret } from './create-adapter.ts';
import { serveCti } from './http/server.ts';
import { Metrics } from './metrics.ts';
import { Office } from './office.ts';
import { RateLimit } from './rate-limit.ts';
import type { SiteStore } from '../site/store.ts';

export interface RunningBridge {
  readonly url: string;
  readonly bridge: Bridge;
  close(): Promise<void>;
}

/** Everything that one bridge process is, from its configuration. */
export async function runBridge(
  config: CtiConfig,
  tools: { clock: Clock; logger: Logger },
): Promise<RunningBridge> {
  const { clock, logger } = tools;
  const authenticator = new Authenticator({
    tokens: config.token,
    jwt: config.jwt,
    keySet: config.jwt?.jwks_file === undefined ? undefined : readSecret(config.jwt.jwks_file),
    ca: config.jwt?.ca_file === undefined ? undefined : readSecret(config.jwt.ca_file),
    clock,
  });
  const eventsKept = config.limits.events_kept;
  const pbxs = config.pbx.map((settings) => pbxOf(settings, tools));
  const { site } = config;
  const store = site === undefined ? undefined : await redisStore(config, site, tools);
  const bridge = new Bridge({
    pbxs,
    clock,
    logger,
    eventsKept,
    ...(store === undefined ? {} : { store }),
  });
  const office = new Office({
    bridge,
    rateLimit: new RateLimit({ perSecond: config.limits.requests_per_second, clock }),
    audit: createAudit(config.log.audit_file, logger),
    clock,
  });
  const metrics = new Metrics({ bridge, subscribers: () => office.subscribers });
  office.metrics = metrics;
  const close = async () => {
    office.close();
    await bridge.close();
  };
  try {
    const server = await serveCti(config.listen, {
      office,
      authenticator,
      metrics,
      logger,
      maxUnread: config.limits.unread_kib * 1024,
      subscribers: config.limits.subscribers,
      down: () => notReady(bridge),
    });
    return {
      url: server.url,
      bridge,
      async close() {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** PBXs that are not there, and `site` where the other bridges cannot be reached. */
export function notReady(bridge: Bridge): readonly string[] {
  const down = Object.entries(bridge.status()).flatMap(([name, { up }]) => (up ? [] : [name]));
  return bridge.away === undefined ? down : [...down, 'site'];
}

/** Loaded where there is such a site: most have none. */
async function redisStore(
  { pbx, limits }: CtiConfig,
  site: SiteConfig,
  tools: { clock: Clock; logger: Logger },
): Promise<SiteStore> {
  const { RedisStore } = await import('../site/redis-store.ts');
  const { redis, username, password_file: file, ca_file: ca, name, lease_ms: leaseMs } = site;
  return new RedisStore({
    url: redis,
    name,
    pbxs: pbx.map((one) => one.name),
    leaseMs,
    eventsKept: limits.events_kept,
    logger: tools.logger,
    ...(username === undefined ? {} : { username }),
    ...(file === undefined ? {} : { password: readSecret(file) }),
    ...(ca === undefined ? {} : { ca: readSecret(ca) }),
  });
}
