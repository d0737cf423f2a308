import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exited } from '@offhook/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectDaemon } from '../../src/control/client.ts';
import { Place, type Phone } from './support/place.ts';
import { shipped } from '../../../common/test/shipped.ts';

const GUEST = shipped('offhook');

let place: Place;
let phone: Phone;

beforeAll(async () => {
  place = new Place();
  phone = await place.phone('guest', await place.engine('guest', 'tone:440'));
  const over = exited(phone.child);
  phone.child.kill('SIGTERM');
  await over;
});

afterAll(() => place.close());

describe('offhook daemon --supervise', () => {
  it('starts a daemon that was killed again, and ends with it when told to', async () => {
    const { stateDir, config } = phone.paths;
    const child = spawn(
      process.execPath,
      [GUEST, 'daemon', '--supervise', '--state-dir', stateDir, '--config', config],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const over = exited(child);
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(15_000) });
    const pid = async (): Promise<number> => {
      const client = await connectDaemon(phone.paths);
      const status = await client.call('status', {});
      await client.close();
      return status.pid;
    };
    const first = await pid();
    expect(first).not.toBe(child.pid);
    process.kill(first, 'SIGKILL');
    await vi.waitFor(async () => expect(await pid()).not.toBe(first), {
      timeout: 10_000,
      interval: 50,
    });
    child.kill('SIGTERM');
    expect(await over).toEqual({ code: 0, signal: null });
    await expect(pid()).rejects.toMatchObject({ code: 'not-reachable' });
  });
});
