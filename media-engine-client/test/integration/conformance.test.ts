import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { clientFor, testMediaEngine } from '@offhook/media-rpc/conformance';
import { defineEngineConfig } from '../../src/config.ts';
import { workerPath, workerSocket } from '../../src/daemon-paths.ts';
import { Engine } from '../../src/engine.ts';
import { createGStreamerPlane } from '../../src/gstreamer/index.ts';
import { noSettings } from '../../src/settings.ts';

testMediaEngine({
  name: 'engine on GStreamer',
  async create() {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-conformance-'));
    const plane = await createGStreamerPlane({
      workerPath: workerPath(),
      socketPath: workerSocket(directory),
      leaseMs: 5000,
      logger: silentLogger,
    });
    const engine = await Engine.start({
      plane,
      config: defineEngineConfig({
        rtp: { address: '127.0.0.1', ports: '20000-29999' },
        audio: { input: 'tone:440', output: 'null', ringer: 'null' },
        recording: { allowed: true, directory, min_free_mb: 0 },
      }),
      settings: noSettings,
      logger: silentLogger,
    });
    return {
      client: await clientFor(engine.attach({ instance: 'conformance-guest', local: true })),
      async close() {
        await engine.close({ keepCalls: false });
        await rm(directory, { recursive: true, force: true });
      },
    };
  },
});
