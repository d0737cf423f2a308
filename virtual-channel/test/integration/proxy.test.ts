import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock, withDeadline } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/channel.ts';
import {
  startSpiceProxy,
  type SpiceProxyState,
  type SpiceSource,
  type ViewerEntrance,
} from '../../src/spice/index.ts';
import { openPort } from '../../src/spice/port.ts';
import { openSession } from '../../src/spice/session.ts';
import { startQemu, type QemuOptions } from './qemu.ts';
import { startRemoteViewer, startScreen } from './remote-viewer.ts';
import { makeX509Directory, queue, talkToMonitor } from './support.ts';

const PORT = 'org.offhook.engine.0';
const OTHER = 'org.example.other';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function qemu(options: Partial<QemuOptions> = {}) {
  const machine = await startQemu({ ports: [OTHER, PORT], password: 'sekret', ...options });
  cleanups.push(() => machine.stop());
  return machine;
}

async function proxyTo(source: Partial<SpiceSource>) {
  const channels = queue<Channel>();
  const states = queue<SpiceProxyState>();
  const proxy = await startSpiceProxy({
    source: { host: '127.0.0.1', password: 'sekret', secureChannels: [], ...source },
    portName: PORT,
    clock: systemClock,
    logger: silentLogger,
    timeoutMs: 3000,
    onChannel: (channel) => channels.push(channel),
    onState: (state) => states.push(state),
  });
  cleanups.push(() => proxy.close());
  const until = async <S extends SpiceProxyState['state']>(state: S) => {
    for (;;) {
      const next = await states.next(`the port to be ${state}`);
      if (next.state === state) return next as Extract<SpiceProxyState, { state: S }>;
    }
  };
  return { proxy, channels, until };
}

/** What a viewer is told of the desktop. */
function throughTheProxy({ host, port, tls, ticket }: ViewerEntrance): SpiceSource {
  const secure = tls === undefined ? { port } : { tlsPort: tls.port, ...tls, port: undefined };
  return { host, password: ticket, secureChannels: [], ...secure };
}

/** A viewer that opens the main channel and lists the others. */
async function view(source: SpiceSource) {
  const session = await openSession({ source, timeoutMs: 5000 });
  cleanups.push(() => session.main.destroy());
  const gone = Promise.withResolvers<void>();
  session.main.on('close', () => gone.resolve());
  return { ...session, gone: within('the viewer to be cut off', gone.promise) };
}

function within<T>(what: string, promise: Promise<T>): () => Promise<T> {
  return () => withDeadline({ layer: 'system', what, ms: 10_000 }, () => promise);
}

const ports = (channels: readonly { type: number; id: number }[]) =>
  channels.filter(({ type }) => type === 10).map(({ id }) => id);

function desktopFile({ host, port, tls, ticket }: ViewerEntrance): string {
  const where =
    tls === undefined
      ? `port=${port}\n`
      : `tls-port=${tls.port}\nca=${tls.ca.replaceAll('\n', '\\n')}\nhost-subject=${tls.hostSubject}\n`;
  return `[virt-viewer]\ntype=spice\nhost=${host}\n${where}password=${ticket}\ntitle=the desktop\n`;
}

async function remoteViewer(entrance: ViewerEntrance) {
  const screen = await startScreen();
  cleanups.push(() => screen.stop());
  const viewer = await startRemoteViewer(screen, desktopFile(entrance));
  cleanups.push(() => viewer.stop());
  return { screen, viewer };
}

/** The channels that QEMU's clients have open, by type. */
async function openChannels(machine: Awaited<ReturnType<typeof qemu>>) {
  const { channels = [] } = (await machine.qmp('query-spice')) as {
    channels?: { 'channel-type': number; tls: boolean }[];
  };
  return {
    types: channels.map((one) => one['channel-type']).toSorted((left, right) => left - right),
    tls: channels.map(({ tls }) => tls),
  };
}

describe('a viewer through the proxy', () => {
  it('shows the desktop in an unmodified remote-viewer while the port talks beside it', async () => {
    const machine = await qemu({ screen: true });
    const { proxy, channels, until } = await proxyTo({ port: machine.port });
    const { screen, viewer } = await remoteViewer(proxy.admit());
    await until('linked');
    await screen.titled(/the desktop \(1\)/u);
    expect(await talkToMonitor(await channels.next('the port to open'))).toContain('"return"');
    // Main, display, inputs, cursor, and two ports: the viewer's and ours.
    const types = async () => (await openChannels(machine)).types;
    await expect.poll(types, { timeout: 5000 }).toEqual([1, 2, 3, 4, 10, 10]);
    expect(proxy.viewers).toBe(1);
    await viewer.stop();
    await until('idle');
    expect(proxy.viewers).toBe(0);
  });

  it('hides our port from the viewer, and leaves it the others', async () => {
    const { port } = await qemu();
    const { proxy, until } = await proxyTo({ port });
    const source = throughTheProxy(proxy.admit());
    const session = await view(source);
    expect(ports(session.channels)).toEqual([0]);
    const other = await openPort(session, { source, timeoutMs: 3000, name: OTHER });
    expect(await other.named).toBe(OTHER);
    other.channel.destroy();
    await until('linked');
  });

  it('goes on without our port where the desktop has none, and says so', async () => {
    const { port } = await qemu({ ports: [OTHER] });
    const { proxy, until } = await proxyTo({ port });
    const session = await view(throughTheProxy(proxy.admit()));
    expect((await until('refused')).error.code).toBe('spice-no-port');
    expect(ports(session.channels)).toEqual([0]);
  });

  it('ends the port when the viewer leaves, and has it again with the next one', async () => {
    const { port } = await qemu();
    const { proxy, channels, until } = await proxyTo({ port });
    const entrance = proxy.admit();
    const first = await view(throughTheProxy(entrance));
    const channel = await channels.next('the port to open');
    const closed = Promise.withResolvers<void>();
    channel.on('close', () => closed.resolve());
    first.main.destroy();
    await within('the port to close', closed.promise)();
    await until('idle');
    await view(throughTheProxy(entrance));
    expect(await talkToMonitor(await channels.next('the port to open again'))).toContain('return');
  });

  it('follows a second viewer that takes the desktop over', async () => {
    const { port } = await qemu();
    const { proxy, channels, until } = await proxyTo({ port });
    const first = await view(throughTheProxy(proxy.admit()));
    await channels.next('the port to open');
    const second = await view(throughTheProxy(proxy.admit()));
    await first.gone();
    expect(await talkToMonitor(await channels.next('the port in the new session'))).toContain(
      'return',
    );
    expect(second.main.closed).toBe(false);
    await until('linked');
  });

  it('is cut off by a viewer elsewhere as it would be without a proxy', async () => {
    const { port } = await qemu();
    const { proxy, until } = await proxyTo({ port });
    const ours = await view(throughTheProxy(proxy.admit()));
    await view({ host: '127.0.0.1', port, password: 'sekret', secureChannels: [] });
    await ours.gone();
    await until('idle');
    expect(proxy.viewers).toBe(0);
  });
});

describe('tickets at the proxy', () => {
  it('lets nobody in who was not given one, even with that of the server', async () => {
    const machine = await qemu();
    const { proxy } = await proxyTo({ port: machine.port });
    const entrance = proxy.admit();
    const source = throughTheProxy(entrance);
    await view(source);
    await expect(view({ ...source, password: 'sekret' })).rejects.toMatchObject({
      code: 'spice-permission-denied',
    });
    entrance.revoke();
    await expect(view(source)).rejects.toMatchObject({ code: 'spice-permission-denied' });
  });

  it('tells the viewer when the server refuses ours, and learns the one that is typed', async () => {
    const { port } = await qemu();
    const { proxy, until } = await proxyTo({ port, password: 'expired' });
    const source = throughTheProxy(proxy.admit());
    await expect(view(source)).rejects.toMatchObject({ code: 'spice-permission-denied' });
    await expect(view({ ...source, password: 'guess' })).rejects.toMatchObject({
      code: 'spice-permission-denied',
    });
    await view({ ...source, password: 'sekret' });
    await until('linked');
    // The viewer's other channels come with either.
    await view(source);
    await view({ ...source, password: 'sekret' });
  });

  it('takes a fresh one for what is linked from then on', async () => {
    const machine = await qemu();
    const { proxy, until } = await proxyTo({ port: machine.port });
    const source = throughTheProxy(proxy.admit());
    await view(source);
    await until('linked');
    await machine.qmp('set_password', { protocol: 'spice', password: 'fresh' });
    await expect(view(source)).rejects.toMatchObject({ code: 'spice-permission-denied' });
    proxy.useSource({
      host: '127.0.0.1',
      port: machine.port,
      password: 'fresh',
      secureChannels: [],
    });
    await view(source);
    await until('linked');
  });
});

describe('TLS at the proxy', () => {
  async function secureDesktop(options: Partial<QemuOptions> = {}) {
    const { dir, remove } = makeX509Directory();
    cleanups.push(remove);
    const machine = await qemu({ tls: { dir, only: true }, ...options });
    return { machine, ca: readFileSync(join(dir, 'ca-cert.pem'), 'utf8') };
  }

  it('takes remote-viewer in by a certificate of its own, and itself checks the desktop’s', async () => {
    const { machine, ca } = await secureDesktop({ screen: true });
    const { proxy, until } = await proxyTo({
      tlsPort: machine.tlsPort,
      ca,
      hostSubject: 'O=Offhook test,CN=the host',
    });
    const entrance = proxy.admit();
    expect(entrance.tls?.ca).not.toBe(ca);
    const { screen } = await remoteViewer(entrance);
    await until('linked');
    await screen.titled(/the desktop \(1\)/u);
    const { tls } = await openChannels(machine);
    expect(tls).toEqual(tls.map(() => true));
  });

  it('refuses a desktop whose certificate is for another subject', async () => {
    const { machine, ca } = await secureDesktop();
    const hostSubject = 'O=Offhook test,CN=another host';
    const { proxy, until } = await proxyTo({ tlsPort: machine.tlsPort, ca, hostSubject });
    await expect(view(throughTheProxy(proxy.admit()))).rejects.toMatchObject({
      code: 'spice-error',
    });
    expect((await until('refused')).error.code).toBe('certificate-refused');
  });

  it('passes on that a desktop wants TLS where no TLS port is known', async () => {
    const { machine } = await secureDesktop();
    const { proxy } = await proxyTo({ port: machine.port });
    await expect(view(throughTheProxy(proxy.admit()))).rejects.toMatchObject({
      code: 'spice-need-secured',
    });
  });
});
