import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ManualClock } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import {
  connectChannel,
  listenChannel,
  type Channel,
  type ChannelListener,
  type ConnectOptions,
  type ListenOptions,
} from '../src/index.ts';
import { makeCertificates, temporaryDirectory } from './channels.ts';

const dir = temporaryDirectory();
const certificates = makeCertificates(dir);
const { ca, server, client, stranger } = certificates;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function listen(
  address: string,
  options: ListenOptions = {},
): Promise<{ listener: ChannelListener; channels: Channel[]; first: Promise<Channel> }> {
  const channels: Channel[] = [];
  const { promise, resolve } = Promise.withResolvers<Channel>();
  const listener = await listenChannel(address, options, (channel) => {
    open.push(channel);
    channels.push(channel);
    resolve(channel);
  });
  open.push(listener);
  return { listener, channels, first: promise };
}

async function dial(address: string, options?: ConnectOptions): Promise<Channel> {
  const channel = await connectChannel(address, options);
  open.push(channel);
  return channel;
}

function reason(channel: Channel): Promise<Error | undefined> {
  return new Promise((resolve) => {
    channel.on('close', resolve);
    channel.on('data', () => undefined);
  });
}

describe('connecting', () => {
  it.each([`unix:${join(dir, 'nobody.sock')}`, 'tcp:127.0.0.1:1', 'tls:127.0.0.1:1'])(
    'to %s, where nobody listens, is told as not reachable',
    async (address) => {
      await expect(connectChannel(address)).rejects.toMatchObject({
        layer: 'channel',
        code: 'not-reachable',
        message: expect.stringContaining('nothing listens'),
      });
    },
  );

  it('to a host that does not exist is told as such', async () => {
    await expect(connectChannel('tcp:no-such-host.invalid:1')).rejects.toMatchObject({
      layer: 'channel',
      code: 'unknown-host',
    });
  });

  it('to a TLS server that says nothing ends at the deadline', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    open.push(silent);
    const { port } = silent.address() as AddressInfo;
    await expect(connectChannel(`tls:127.0.0.1:${port}`, { timeoutMs: 50 })).rejects.toMatchObject({
      layer: 'channel',
      code: 'timeout',
    });
  });

  it('can be aborted', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    open.push(silent);
    const { port } = silent.address() as AddressInfo;
    const controller = new AbortController();
    const connecting = connectChannel(`tls:127.0.0.1:${port}`, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
  });

  it('names the peer', async () => {
    const { listener, first } = await listen('tcp:127.0.0.1:0');
    const channel = await dial(listener.address);
    expect(channel.peer).toEqual({
      transport: 'tcp',
      description: listener.address.replace('tcp:', ''),
    });
    expect((await first).peer.description).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

describe('listening', () => {
  it('on a Unix socket is for this user only, and leaves no file behind', async () => {
    const path = join(dir, 'own.sock');
    const { listener } = await listen(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  it('where somebody listens is refused', async () => {
    const tcp = await listen('tcp:127.0.0.1:0');
    await expect(listen(tcp.listener.address)).rejects.toMatchObject({ code: 'in-use' });
    const unix = await listen(`unix:${join(dir, 'busy.sock')}`);
    await expect(listen(unix.listener.address)).rejects.toMatchObject({
      layer: 'channel',
      code: 'in-use',
    });
  });

  it('on an address of another machine is refused', async () => {
    await expect(listen('tcp:192.0.2.1:0')).rejects.toMatchObject({ code: 'no-such-address' });
  });

  it('ends with close, and open channels stay', async () => {
    const { listener, first } = await listen('tcp:127.0.0.1:0');
    const channel = await dial(listener.address);
    const other = await first;
    await listener.close();
    await listener.close();
    await expect(connectChannel(listener.address)).rejects.toMatchObject({ code: 'not-reachable' });
    const got = new Promise((resolve) => other.on('data', (chunk) => resolve(chunk[0])));
    channel.write(Uint8Array.of(42));
    expect(await got).toBe(42);
  });

  it('drops connections beyond its limit', async () => {
    const { listener, channels } = await listen('tcp:127.0.0.1:0', { maxChannels: 1 });
    const first = await dial(listener.address);
    const second = await dial(listener.address);
    await reason(second);
    expect(channels).toHaveLength(1);
    expect(first.closed).toBe(false);
  });

  it('closes within a second of a peer that has closed and takes no more', async () => {
    const clock = new ManualClock();
    const { listener, first } = await listen('tcp:127.0.0.1:0', { clock });
    const port = Number(listener.address.split(':').at(-1));
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    open.push({ close: () => socket.destroy() });
    const channel = await first;
    const closed = reason(channel);
    while (channel.buffered < 1024 * 1024) {
      channel.write(new Uint8Array(64 * 1024));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    // The end of the peer's stream starts the timer.
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
    expect(await closed).toBeUndefined();
  });

  it('closes with reset when the peer cuts the connection', async () => {
    const { listener, first } = await listen('tcp:127.0.0.1:0');
    const socket = connect(Number(listener.address.split(':').at(-1)), '127.0.0.1');
    const closed = reason(await first);
    socket.resetAndDestroy();
    expect(await closed).toMatchObject({ layer: 'channel', code: 'reset' });
  });
});

describe('TLS', () => {
  it('verifies the server by default', async () => {
    const { listener, channels } = await listen('tls:127.0.0.1:0', { tls: stranger });
    await expect(dial(listener.address)).rejects.toMatchObject({
      layer: 'channel',
      code: 'certificate-refused',
    });
    await expect(dial(listener.address, { tls: { ca } })).rejects.toMatchObject({
      code: 'certificate-refused',
    });
    expect(channels).toHaveLength(0);
  });

  it('takes any server only when verification is turned off', async () => {
    const { listener } = await listen('tls:127.0.0.1:0', { tls: stranger });
    const channel = await dial(listener.address, { tls: { verify: false } });
    expect(channel.peer.certificateSubject).toBeUndefined();
  });

  it('refuses a certificate for another name', async () => {
    const { listener } = await listen('tls:127.0.0.1:0', { tls: server });
    await expect(
      dial(listener.address, { tls: { ca, serverName: 'other.example.com' } }),
    ).rejects.toMatchObject({
      code: 'certificate-refused',
      message: expect.stringContaining('another name'),
    });
    await dial(listener.address, { tls: { ca, serverName: 'localhost' } });
  });

  it('gives each end the verified subject of the other', async () => {
    const tls = { ...server, ca, requireClientCertificate: true };
    const { listener, first } = await listen('tls:127.0.0.1:0', { tls });
    const channel = await dial(listener.address, { tls: { ...client, ca } });
    expect(channel.peer.certificateSubject).toBe('CN=engine');
    expect((await first).peer.certificateSubject).toBe('CN=guest,O=Example');
  });

  it('refuses a client that shows no certificate where one is required', async () => {
    const tls = { ...server, ca, requireClientCertificate: true };
    const { listener, channels } = await listen('tls:127.0.0.1:0', { tls });
    const channel = await dial(listener.address, { tls: { ca } });
    expect(await reason(channel)).toMatchObject({
      layer: 'channel',
      code: 'own-certificate-refused',
    });
    expect(channels).toHaveLength(0);
  });

  it('closes on a client whose certificate another CA signed', async () => {
    const tls = { ...server, ca, requireClientCertificate: true };
    const { listener, channels } = await listen('tls:127.0.0.1:0', { tls });
    await reason(await dial(listener.address, { tls: { ...stranger, ca } }));
    expect(channels).toHaveLength(0);
  });

  it('is told from a peer that does not speak it', async () => {
    const plain = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    open.push(plain);
    const { port } = plain.address() as AddressInfo;
    await expect(dial(`tls:127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'tls-failed' });
  });

  it('needs a certificate to listen', async () => {
    await expect(listen('tls:127.0.0.1:0')).rejects.toMatchObject({ code: 'no-certificate' });
    const mixed = { cert: server.cert, key: client.key };
    await expect(listen('tls:127.0.0.1:0', { tls: mixed })).rejects.toMatchObject({
      code: 'no-certificate',
    });
  });
});
