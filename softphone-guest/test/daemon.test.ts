import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import type { Daemon } from '../src/daemon.ts';
import { FakeDaemon } from './support/fake-daemon.ts';
import { guestConfig } from './support/fake-phone.ts';

let fake: FakeDaemon;
let daemon: Daemon;
let client: DaemonClient;

beforeEach(async () => {
  fake = new FakeDaemon();
  daemon = await fake.start();
  client = await connectDaemon(fake.paths);
});

afterEach(async () => {
  await client.close();
  await fake.remove();
});

const account = () => fake.account;

async function talk(target = 'bob') {
  const { id } = await client.call('call.dial', { target });
  const sip = account().placed.at(-1);
  await sip?.establish();
  return { id, sip };
}

describe('the daemon', () => {
  it('keeps its control socket to its user', () => {
    expect(statSync(fake.dir).mode & 0o077).toBe(0);
    expect(statSync(join(fake.dir, 'control.sock')).mode & 0o077).toBe(0);
  });

  it('refuses to be a second one', async () => {
    await expect(fake.start()).rejects.toMatchObject({ layer: 'control', code: 'in-use' });
  });

  it('tells what it is, where it listens and who it serves', async () => {
    expect(await client.call('status', {})).toMatchObject({
      pid: process.pid,
      config: '/etc/offhook.toml',
      listening: ['udp:127.0.0.1:5080'],
      accounts: [{ aor: 'sip:alice@example.com', state: 'registered' }],
      engine: { state: 'connected', text: 'engine: connected' },
      calls: 0,
    });
  });

  it('runs the commands that the configuration has for what happens', async () => {
    const out = join(fake.dir, 'hook.json');
    const command = `["/bin/sh", "-c", 'cat > "$1.new" && mv "$1.new" "$1"', "hook", "${out}"]`;
    const other = new FakeDaemon(
      guestConfig('', `[[hook]]\nevent = "call.incoming"\ncommand = ${command}`),
    );
    await other.start();
    other.account.ring('sip:bob@example.com', 'Bob');
    await vi.waitFor(
      () =>
        expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({
          event: 'call.incoming',
          params: { remote: 'sip:bob@example.com', remoteName: 'Bob', state: 'incoming' },
        }),
      5000,
    );
    await other.remove();
  });

  it('streams what happens to those who ask', async () => {
    const seen: string[] = [];
    client.control.on('*', (params, event) => {
      const { state } = params as { state?: string };
      seen.push(state === undefined ? event : `${event} ${state}`);
    });
    await client.control.subscribe();
    const { sip } = await talk();
    sip?.endWith({ by: 'remote', status: 200, reason: '' });
    account().emit('message', {
      from: 'sip:bob@example.com',
      body: { type: 'text/plain', content: 'hello' },
    });
    account().setRegistration({ state: 'failed', status: 403, reason: 'forbidden' });
    await vi.waitFor(() => expect(seen).toContain('call.ended ended'), 2000);
    expect(seen).toEqual([
      'call.changed dialing',
      'call.changed established',
      'call.changed ended',
      'message.changed received',
      'message',
      'registration.changed failed',
      'call.ended ended',
    ]);
  });

  it('sends figures once a second to those who listen, while a call is up', async () => {
    const stats = new Promise((resolve) => client.control.on('stats', resolve));
    await client.control.subscribe(['stats']);
    const { id } = await talk();
    expect(await stats).toMatchObject({
      calls: [{ id, media: { codec: 'PCMA', mos: 4.4, txPackets: 50 } }],
    });
  });

  it('hangs up and closes when it is told to end', async () => {
    const { sip } = await talk();
    await daemon.close();
    expect(sip?.log).toEqual(['hangup']);
    expect(fake.userAgent.closed).toBe(true);
    await expect(client.call('status', {})).rejects.toMatchObject({ layer: 'control' });
  });
});

describe('a daemon that comes after another one', () => {
  it('has its calls, under the same ids and as they were, and its history', async () => {
    const done = await talk('carol');
    await client.call('call.hangup', { call: done.id });
    const { id, sip } = await talk();
    await client.call('call.hold', {});
    sip?.write('established');
    await client.close();
    await daemon.close({ keepCalls: true });
    daemon = await fake.start();
    client = await connectDaemon(fake.paths);
    const { calls } = await client.call('calls.list', {});
    expect(calls).toMatchObject([
      { id, state: 'established', held: true, remote: 'sip:bob@example.com' },
    ]);
    const { calls: history } = await client.call('history.list', {});
    expect(history).toMatchObject([{ id: done.id, end: { by: 'local' } }]);
    expect(fake.userAgent.awayMs).toBeGreaterThanOrEqual(0);
    expect(fake.engine?.sessions.size).toBe(1);
    await client.call('call.resume', {});
    await client.call('call.hangup', {});
    expect((await client.call('journal.get', {})).calls).toEqual([]);
  });

  it('forgets a call whose account is no more', async () => {
    const { sip } = await talk();
    sip?.write('established', 'sip:gone@example.com');
    await client.close();
    await daemon.close({ keepCalls: true });
    daemon = await fake.start();
    client = await connectDaemon(fake.paths);
    expect((await client.call('calls.list', {})).calls).toEqual([]);
    expect((await client.call('status', {})).journal).toMatchObject({ state: 'ok', calls: 0 });
  });
});
