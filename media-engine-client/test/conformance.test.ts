import { clientFor, testMediaEngine } from '@offhook/media-rpc/conformance';
import { startTestEngine } from './support/engine.ts';

testMediaEngine({
  name: 'engine on a media plane in memory',
  async create() {
    const { engine, plane, clock } = await startTestEngine({ local: '127.0.0.1' });
    plane.counting = true;
    const view = engine.attach({ instance: 'conformance-guest', local: true });
    return {
      client: await clientFor(view),
      advance: (ms) => clock.advance(ms),
      close: () => engine.close({ keepCalls: false }),
    };
  },
});
