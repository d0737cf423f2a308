import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { RedisStore } from '@offhook/cti-bridge';
import { EVENTS_KEPT, PBXS, siteStoreConformance } from '@offhook/cti-bridge/site-conformance';
import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from '../src/redis-server.ts';

let directory: string;
let redis: RedisServer;
let sites = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-redis-'));
  redis = await RedisServer.start(directory);
});

afterAll(async () => {
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

siteStoreConformance('Redis', async () => {
  const name = `site-${++sites}`;
  const node = () =>
    new RedisStore({
      url: redis.url,
      name,
      pbxs: PBXS,
      leaseMs: 600,
      eventsKept: EVENTS_KEPT,
      logger: silentLogger,
    });
  return { join: node, close: () => Promise.resolve() };
});
