import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientFor, testMediaEngine } from '@offhook/media-rpc/conformance';
import { startTestEngine } from './support/engine.ts';

testMediaEngine({
  name: 'engine on a media plane in memory',
  async create() {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-conformance-'));
    const { engine, plane, clock } = await startTestEngine({
      local: '127.0.0.1',
      config: { recording: { allowed: true, directory, min_free_mb: 0 } },
    });
    plane.counting = true;
    const view = engine.attach({ instance: 'conformance-guest', local: true });
    return {
      client: await clientFor(view),
      advance: (ms) => clock.advance(ms),
      async close() {
        await engine.close({ keepCalls: false });
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
});
