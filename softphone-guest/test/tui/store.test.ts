import { systemClock } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDaemon } from '../../src/control/client.ts';
import { PhoneStore } from '../../src/tui/store.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';

let fake: FakeDaemon;
let store: PhoneStore;

beforeEach(async () => {
  fake = new FakeDaemon();
  await fake.start();
  store = new PhoneStore({
    clock: systemClock,
    connect: () => connectDaemon(fake.paths),
    onQuit: () => undefined,
  });
});

afterEach(async () => {
  await store.close();
  await fake.remove();
});

const until = (check: () => void) => vi.waitFor(check, 5000);

describe('the screen’s store', () => {
  it('fetches lists when they are asked for, and keeps the history up to date', async () => {
    await store.start();
    store.load('history');
    store.load('contacts');
    await until(() => expect(store.getState()).toMatchObject({ history: [], contacts: [] }));
    const call = fake.account.ring('sip:bob@example.com', 'Bob');
    call.endWith({ by: 'remote', status: 487, reason: 'cancelled' });
    await until(() =>
      expect(store.getState().history).toMatchObject([{ remote: 'sip:bob@example.com' }]),
    );
  });

  it('shows what the daemon has, and follows it', async () => {
    await store.start();
    expect(store.getState()).toMatchObject({
      daemon: { state: 'connected' },
      accounts: [{ aor: 'sip:alice@example.com', state: 'registered' }],
      engine: { state: 'connected' },
      calls: [],
    });
    let changes = 0;
    store.subscribe(() => changes++);
    fake.account.ring('sip:bob@example.com', 'Bob');
    await until(() =>
      expect(store.getState().calls).toMatchObject([{ state: 'incoming', remoteName: 'Bob' }]),
    );
    expect(changes).toBe(1);
  });

  it('carries out what is typed, and tells what went wrong', async () => {
    await store.start();
    store.dial('carol');
    await until(() => expect(store.getState().calls).toHaveLength(1));
    const { id } = store.getState().calls[0] ?? { id: '' };
    await fake.account.placed[0]?.establish();
    await until(() => expect(store.getState().calls).toMatchObject([{ state: 'established' }]));
    store.hold(id, true);
    await until(() => expect(store.getState().calls).toMatchObject([{ held: true }]));
    store.hold(id, false);
    await until(() => expect(store.getState().calls).toMatchObject([{ held: false }]));
    store.mute(id, true);
    await until(() => expect(store.getState().calls).toMatchObject([{ muted: true }]));
    store.dtmf(id, '1');
    await until(() =>
      expect(fake.engine?.log).toContainEqual(
        expect.stringMatching(`^session.dtmf ${id}-\\S+ 1 rfc4733$`),
      ),
    );
    store.hangup(id);
    await until(() => expect(store.getState().calls).toEqual([]));
    store.dial('not a target');
    await until(() =>
      expect(store.getState().notice).toMatchObject({
        kind: 'error',
        text: expect.stringContaining('cannot dial') as string,
      }),
    );
    store.dismiss();
    expect(store.getState().notice).toBeUndefined();
  });

  it('says that the daemon has gone, and finds the next one', async () => {
    await store.start();
    await fake.stop();
    await until(() => expect(store.getState().daemon.state).toBe('lost'));
    store.dial('nobody is there to hear it');
    await fake.start();
    await until(() => expect(store.getState().daemon.state).toBe('connected'));
  });

  it('looks for a daemon that is not there yet', async () => {
    await fake.stop();
    await store.start();
    expect(store.getState().daemon).toMatchObject({
      state: 'lost',
      reason: expect.stringContaining('no daemon') as string,
    });
    await fake.start();
    await until(() => expect(store.getState().daemon.state).toBe('connected'));
  });
});
