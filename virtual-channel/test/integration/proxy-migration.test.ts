import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/channel.ts';
import {
  desktopFileFor,
  startSpiceProxy,
  type MigrationNews,
  type SpiceProxyState,
  type SpiceSource,
} from '../../src/spice/index.ts';
import { decodeBody } from '../../src/spice/layout.ts';
import { mainFromClient, mainFromServer } from '../../src/spice/messages.ts';
import { openSession } from '../../src/spice/session.ts';
import { freePort, startQemu, type Qemu, type QemuOptions } from './qemu.ts';
import { startRemoteViewer, startScreen } from './remote-viewer.ts';
import { askMonitor, makeX509Directory, queue, talkToMonitor } from './support.ts';

const PORT = 'org.offhook.engine.0';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A desktop, and a host that waits for it. */
async function twoHosts(options: Partial<QemuOptions> = {}) {
  const uri = `tcp:127.0.0.1:${await freePort()}`;
  const start = async (args: readonly string[]) => {
    const machine = await startQemu({
      ports: [PORT],
      password: 'sekret',
      screen: true,
      args,
      ...options,
    });
    cleanups.push(() => machine.stop());
    return machine;
  };
  const [from, to] = [await start([]), await start(['-incoming', uri])];
  const announce = (target: Record<string, unknown> = { port: to.port }) =>
    from.qmp('client_migrate_info', { protocol: 'spice', hostname: '127.0.0.1', ...target });
  const migrate = async () => {
    await from.qmp('migrate', { uri });
    await expect
      .poll(async () => ((await from.qmp('query-migrate')) as { status: string }).status, {
        timeout: 20_000,
      })
      .toBe('completed');
  };
  return { from, to, announce, migrate };
}

async function proxyTo(source: Partial<SpiceSource>) {
  const channels = queue<Channel>();
  const news = queue<MigrationNews>();
  let state: SpiceProxyState['state'] = 'idle';
  const proxy = await startSpiceProxy({
    source: { host: '127.0.0.1', password: 'sekret', secureChannels: [], ...source },
    portName: PORT,
    clock: systemClock,
    logger: silentLogger,
    timeoutMs: 5000,
    onChannel: (channel) => channels.push(channel),
    onState: (next) => (state = next.state),
    onMigration: (one) => news.push(one),
  });
  cleanups.push(() => proxy.close());
  const moved = async () => {
    for (;;) {
      const one = await news.next('news of the move');
      if (one.kind !== 'began') return one;
    }
  };
  return { proxy, channels, moved, state: () => state };
}

async function viewerAt(proxy: Awaited<ReturnType<typeof proxyTo>>['proxy']) {
  const screen = await startScreen();
  cleanups.push(() => screen.stop());
  const file = `${desktopFileFor(proxy.admit())}title=the desktop\n`;
  const viewer = await startRemoteViewer(screen, file);
  cleanups.push(() => viewer.stop());
  await screen.titled(/the desktop \(1\)/u);
  return viewer;
}

async function channelTypes(machine: Qemu): Promise<number[]> {
  const { channels = [] } = (await machine.qmp('query-spice')) as {
    channels?: { 'channel-type': number }[];
  };
  return channels.map((one) => one['channel-type']).toSorted((left, right) => left - right);
}

/** Main, display, inputs, cursor, and our port. */
const ALL = [1, 2, 3, 4, 10];

describe('a desktop that moves while remote-viewer has it open through the proxy', () => {
  it.each([
    ['semi-seamlessly', false],
    ['seamlessly', true],
  ])('takes viewer and port along %s', async (_how, seamless) => {
    const { from, to, announce, migrate } = await twoHosts({ seamless });
    const { proxy, channels, moved, state } = await proxyTo({ port: from.port });
    const viewer = await viewerAt(proxy);
    const before = await channels.next('the port to open');
    await expect.poll(() => channelTypes(from), { timeout: 10_000 }).toEqual(ALL);
    expect(await talkToMonitor(before)).toContain('"return"');
    await announce();
    // A machine as small as this one moves more quickly than its viewer.
    await expect.poll(() => channelTypes(to), { timeout: 10_000 }).toEqual(ALL);
    await migrate();
    expect(await moved()).toEqual({ kind: 'moved', to: '127.0.0.1', lossless: seamless });
    await expect.poll(() => channelTypes(to), { timeout: 10_000 }).toEqual(ALL);
    await from.stop();
    expect(viewer.child.exitCode).toBeNull();
    expect(proxy.viewers).toBe(1);
    expect(state()).toBe('linked');
    // What is lost shows as another stream; without loss it is still the one that was there.
    const after = seamless ? before : await channels.next('the port at the destination');
    expect(before.closed).toBe(!seamless);
    expect(after.closed).toBe(false);
    // The monitor that answers is that of the destination.
    expect(await askMonitor(after)).toContain('"return"');
  });

  it('takes them along with TLS at both hosts, each with a subject of its own', async () => {
    const { dir, remove } = makeX509Directory();
    cleanups.push(remove);
    const { from, to, announce, migrate } = await twoHosts({ tls: { dir, only: true } });
    const subject = 'O=Offhook test,CN=the host';
    const { proxy, channels, moved } = await proxyTo({
      tlsPort: from.tlsPort,
      ca: readFileSync(join(dir, 'ca-cert.pem'), 'utf8'),
      hostSubject: subject,
    });
    await viewerAt(proxy);
    await channels.next('the port to open');
    await announce({ 'tls-port': to.tlsPort, 'cert-subject': subject });
    await expect.poll(() => channelTypes(to), { timeout: 10_000 }).toEqual(ALL);
    await migrate();
    expect(await moved()).toMatchObject({ kind: 'moved' });
    await channels.next('the port at the destination');
  });
});

describe('a desktop whose viewer is told to switch hosts', () => {
  it('comes back through the proxy, with the port', async () => {
    const { from, to, announce, migrate } = await twoHosts();
    const { proxy, channels, moved } = await proxyTo({ port: from.port });
    const { host, port, ticket } = proxy.admit();
    const source = { host, port, password: ticket, secureChannels: [] };
    const { main } = await openSession({ source, timeoutMs: 5000 });
    await channels.next('the port to open');
    const said = queue<{ type: number; body: Uint8Array }>();
    main.on('message', ({ type, body }) => said.push({ type, body: body.slice() }));
    const told = async (row: { readonly type: number }) => {
      for (;;) {
        const message = await said.next(`message ${row.type}`);
        if (message.type === row.type) return message.body;
      }
    };
    const { migrateBegin, migrateSwitchHost } = mainFromServer;
    await announce();
    await told(migrateBegin);
    // As a viewer says that does not get to the destination.
    main.send(mainFromClient.migrateConnectError, {});
    await migrate();
    const next = decodeBody('SWITCH_HOST', migrateSwitchHost.body, await told(migrateSwitchHost));
    main.destroy();
    expect(next.port).toBe(port);
    expect(await moved()).toMatchObject({ kind: 'moved', lossless: false });
    await openSession({ source, timeoutMs: 5000 });
    expect(await talkToMonitor(await channels.next('the port there'))).toContain('"return"');
    expect(await channelTypes(to)).toEqual([1, 10]);
  });
});

describe('a move that comes to nothing', () => {
  it('leaves viewer and port where they are', async () => {
    const { from, announce } = await twoHosts();
    const { proxy, channels, state } = await proxyTo({ port: from.port });
    const viewer = await viewerAt(proxy);
    const channel = await channels.next('the port to open');
    // No SPICE server is there.
    await announce({ port: await freePort() });
    await expect.poll(() => viewer.log(), { timeout: 10_000 }).toContain('unhandled error 1');
    await from.qmp('migrate', { uri: `tcp:127.0.0.1:${await freePort()}` });
    await expect
      .poll(async () => ((await from.qmp('query-migrate')) as { status: string }).status)
      .toBe('failed');
    expect(await askMonitor(channel)).toContain('"return"');
    expect(await channelTypes(from)).toEqual(ALL);
    expect(state()).toBe('linked');
  });
});
