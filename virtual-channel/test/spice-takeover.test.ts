import { describe, expect, it } from 'vitest';
import type { SpiceLinkState } from '../src/spice/index.ts';
import { linked } from './support/moving-desktop.ts';

const isLinked = ({ state }: SpiceLinkState) => state === 'linked';

describe('a headless client whose server ends the session without a word', () => {
  it('says that another may have the desktop, and comes back ever later', async () => {
    const client = await linked();
    client.main.close();
    const first = await client.states.find('the wait', ({ state }) => state === 'waiting');
    expect(first).toMatchObject({ error: { code: 'spice-taken-over' }, retryInMs: 5000 });
    // Somebody says that it is ours.
    client.listener.useSource({ ...client.given });
    const main = await client.source.channel('main');
    await client.states.find(
      'the second link',
      (state) => isLinked(state) && client.states.items.filter(isLinked).length === 2,
    );
    main.close();
    const second = await client.states.find(
      'the next wait',
      (state) => state.state === 'waiting' && state !== first,
    );
    expect(second).toMatchObject({ error: { code: 'spice-taken-over' }, retryInMs: 20_000 });
  });
});
