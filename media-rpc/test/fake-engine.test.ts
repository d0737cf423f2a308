import { ManualClock } from '@offhook/common';
import { clientFor, testMediaEngine } from '../src/conformance.ts';
import { FakeEngine } from '../src/fake/index.ts';

testMediaEngine({
  name: 'fake engine',
  async create() {
    const clock = new ManualClock();
    const engine = new FakeEngine({ clock });
    return {
      client: await clientFor(engine, { clock }),
      advance: (ms) => clock.advance(ms),
      close: async () => engine.close(),
    };
  },
});
