import { randomUUID } from 'node:crypto';
import type { Clock, Logger } from '@offhook/common';
import { createAudit } from './audit.ts';
import { Authenticator } from './authenticator.ts';
import { Bridge } from './bridge.ts';
import type { CtiConfig } from './config.ts';
import { createAdapter, readSecret } from './create-adapter.ts';
import { serveCti } from './http/server.ts';
import { Metrics } from './metrics.ts';
import { Office } from './office.ts';
import { RateLimit } from './rate-limit.ts';

export interface RunningBridge {
  readonly url: string;
  readonly bridge: Bridge;
  close(): Promise<void>;
}

/** Everything that one bridge process is, from its configuration. */
export async function runBridge(
  config: CtiConfig,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<RunningBridge> {
  const authenticator = new Authenticator({
    tokens: config.token,
    jwt: config.jwt,
    keySet: config.jwt?.jwks_file === undefined ? undefined : readSecret(config.jwt.jwks_file),
    clock,
  });
  const created = await Promise.all(
    config.pbx.map((settings) => createAdapter(settings, { clock, logger })),
  );
  const adapters = created.map(({ adapter }) => adapter);
  const bridge = new Bridge({ adapters, clock, logger });
  const office = new Office({
    bridge,
    epoch: randomUUID(),
    eventsKept: config.limits.events_kept,
    rateLimit: new RateLimit({ perSecond: config.limits.requests_per_second, clock }),
    audit: createAudit(config.log.audit_file, logger),
    clock,
  });
  const metrics = new Metrics({ bridge, subscribers: () => office.subscribers });
  office.metrics = metrics;
  const close = async () => {
    office.close();
    await bridge.close();
    await Promise.all(created.map((one) => one.close()));
  };
  try {
    const server = await serveCti(config.listen, {
      office,
      authenticator,
      metrics,
      logger,
      maxUnread: config.limits.unread_kib * 1024,
      subscribers: config.limits.subscribers,
      down: () => Object.entries(bridge.status()).flatMap(([name, { up }]) => (up ? [] : [name])),
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
