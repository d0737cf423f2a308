import { createHash } from 'node:crypto';
import { silentLogger, systemClock, type Clock } from '@offhook/common';
import { Authenticator } from '../../src/service/authenticator.ts';
import { Bridge, only } from '../../src/service/bridge.ts';
import { ctiConfigSchema, type JwtConfig } from '../../src/service/config.ts';
import { serveCti, type CtiServer } from '../../src/service/http/server.ts';
import { Metrics } from '../../src/service/metrics.ts';
import { Office } from '../../src/service/office.ts';
import { notReady } from '../../src/service/run-bridge.ts';
import { RateLimit } from '../../src/service/rate-limit.ts';
import type { Scope } from '../../src/service/access.ts';
import { FakeAdapter } from './fake-adapter.ts';

export interface Running {
  readonly url: string;
  readonly adapter: FakeAdapter;
  readonly bridge: Bridge;
  readonly office: Office;
  readonly audited: { who: string; service: string; params: object; result: string }[];
  /** Cuts every connection, as a network does. */
  dropConnections(): void;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly tokens?: Readonly<Record<string, { devices: string[]; scopes: Scope[] }>>;
  readonly jwt?: JwtConfig;
  readonly keySet?: string;
  readonly eventsKept?: number;
  readonly perSecond?: number;
  readonly maxUnread?: number;
  readonly port?: number;
  readonly clock?: Clock;
  readonly adapter?: FakeAdapter;
}

const EVERYTHING: { devices: string[]; scopes: Scope[] } = {
  devices: ['*'],
  scopes: ['monitor', 'control', 'supervise', 'metrics'],
};

/** A bridge that serves on the loopback, with a PBX of the test's making. */
export async function run(options: RunOptions = {}): Promise<Running> {
  const { clock = systemClock, adapter = new FakeAdapter() } = options;
  const logger = silentLogger;
  const bridge = new Bridge({
    pbxs: [only(adapter)],
    clock,
    logger,
    eventsKept: options.eventsKept ?? 1000,
  });
  const audited: Running['audited'] = [];
  const office = new Office({
    bridge,
    rateLimit: new RateLimit({ perSecond: options.perSecond ?? 1000, clock }),
    audit: { record: (entry) => audited.push(entry) },
    clock,
  });
  const metrics = new Metrics({ bridge, subscribers: () => office.subscribers });
  office.metrics = metrics;
  const tokens = Object.entries(options.tokens ?? { all: EVERYTHING }).map(([name, rest]) => ({
    name,
    sha256: createHash('sha256').update(name).digest('hex'),
    ...rest,
  }));
  const { listen } = ctiConfigSchema.shape;
  const server: CtiServer = await serveCti(
    listen.parse({ address: '127.0.0.1', port: options.port ?? 0 }),
    {
      office,
      authenticator: new Authenticator({ tokens, jwt: options.jwt, keySet: options.keySet, clock }),
      metrics,
      logger,
      maxUnread: options.maxUnread ?? 1024 * 1024,
      subscribers: 50,
      down: () => notReady(bridge),
    },
  );
  return {
    url: server.url,
    adapter,
    bridge,
    office,
    audited,
    dropConnections: () => server.dropConnections(),
    async close() {
      await server.close();
      office.close();
      await bridge.close();
    },
  };
}

/** REST, with the token that is called as its owner. */
export async function get(
  running: Running,
  path: string,
  token?: string,
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(`${running.url}${path}`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true;
  const body: unknown = json ? JSON.parse(text) : text;
  return { status: response.status, body, headers: response.headers };
}

export async function post(
  running: Running,
  path: string,
  body: unknown,
  token?: string,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${running.url}${path}`, {
    method: 'POST',
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) as unknown };
}
