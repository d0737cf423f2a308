import { OffhookError, silentLogger } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GuestConfig } from '../src/config.ts';
import { connectDaemon } from '../src/control/client.ts';
import { accountChanges, RunningDaemon } from '../src/running-daemon.ts';
import { FakeDaemon } from './support/fake-daemon.ts';
import { guestConfig } from './support/fake-phone.ts';

const BOB = '[[account]]\naor = "sip:bob@example.com"\n';
const alone = guestConfig();
const both = guestConfig('', BOB);

let fake: FakeDaemon;
let running: RunningDaemon;
let config: () => GuestConfig;
let unusable: GuestConfig | undefined;
const fatal = vi.fn<(error: unknown) => void>();

beforeEach(async () => {
  fake = new FakeDaemon();
  unusable = undefined;
  fatal.mockClear();
  running = await RunningDaemon.start(
    {
      load: () => config(),
      start: (wanted, reload) =>
        wanted === unusable
          ? Promise.reject(new OffhookError('signaling', 'in-use', 'the port is taken'))
          : fake.start({ config: wanted, reload }),
      logger: silentLogger,
      fatal,
    },
    both,
  );
});

afterEach(async () => {
  await running.close({ keepCalls: false });
  await fake.remove();
});

async function call<T>(work: (client: Awaited<ReturnType<typeof connectDaemon>>) => Promise<T>) {
  const client = await connectDaemon(fake.paths);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const lines = () => running.phone.lines.map((line) => line.config.aor);

describe('a configuration that is taken up while the phone runs', () => {
  it('adds and removes lines, and says which to whoever asked', async () => {
    config = () => alone;
    const changes = await call((client) => client.call('config.reload', {}));
    expect(changes).toEqual({ added: [], removed: ['sip:bob@example.com'], changed: [] });
    await vi.waitFor(() => expect(lines()).toEqual(['sip:alice@example.com']));
    config = () => both;
    await running.reload();
    await vi.waitFor(() => expect(lines()).toHaveLength(2));
  });

  it('is refused as a whole when a line that is to go has a call', async () => {
    await call((client) =>
      client.call('call.dial', { target: 'carol', account: 'sip:bob@example.com' }),
    );
    config = () => alone;
    await expect(running.reload()).rejects.toMatchObject({ code: 'busy' });
    expect(lines()).toHaveLength(2);
  });

  it('changes nothing when it cannot be read', async () => {
    config = () => {
      throw new OffhookError('config', 'invalid', 'config.toml:3: no');
    };
    await expect(call((client) => client.call('config.reload', {}))).rejects.toThrow(
      'config.toml:3',
    );
    expect(lines()).toHaveLength(2);
  });

  it('gives way to the one before when the phone does not start with it', async () => {
    const before = running.phone;
    unusable = alone;
    config = () => alone;
    await running.reload();
    await vi.waitFor(() => expect(running.phone).not.toBe(before));
    expect(lines()).toHaveLength(2);
    expect(fatal).not.toHaveBeenCalled();
  });
});

describe('accountChanges', () => {
  it('tells lines whose settings are others', () => {
    const other = guestConfig('expires = 60');
    expect(accountChanges(alone.account, other.account)).toEqual({
      added: [],
      removed: [],
      changed: ['sip:alice@example.com'],
    });
  });
});
