import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '@offhook/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTunnel, parseHttpProxy } from '../src/spice/http-proxy.ts';
import { listenSpicePort, parseDesktopFile } from '../src/spice/index.ts';
import { fakeServer, NAME } from './support/moving-desktop.ts';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A proxy that lets those through who say that they are alice. */
async function proxyServer() {
  const asked: string[] = [];
  const server = createHttpServer();
  server.on('connect', (request, socket: Socket) => {
    asked.push(request.url ?? '');
    const wanted = `Basic ${Buffer.from('alice:p@ss').toString('base64')}`;
    if (request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) {
      one.on('error', () => undefined);
      onTestFinished(() => void one.destroy());
    }
  });
  return { port: await listening(server), asked };
}

/** A proxy that says this to everybody. */
async function answering(answer: string): Promise<number> {
  return listening(
    createServer((socket) => {
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => undefined);
      if (answer !== '') socket.write(answer);
    }),
  );
}

const target = { host: '127.0.0.1', port: 5900 };

describe('an HTTP proxy', () => {
  it.each([
    ['http://proxy.example:8080', { host: 'proxy.example', port: 8080, secure: false }],
    ['proxy.example', { host: 'proxy.example', port: 3128, secure: false }],
    ['http://proxy.example:80/', { host: 'proxy.example', port: 80, secure: false }],
    ['https://[::1]:443', { host: '::1', port: 443, secure: true }],
    ['http://a%40b:c@p', { host: 'p', authorization: `Basic ${btoa('a@b:c')}` }],
  ])('is read: %s', (text, proxy) => {
    expect(parseHttpProxy(text)).toMatchObject(proxy);
  });

  it.each(['socks://p', 'http://', 'http://p:99999', ''])('is refused: "%s"', (text) => {
    expect(() => parseHttpProxy(text)).toThrow(/HTTP proxy/);
  });

  it('carries the SPICE connection of a desktop file that names it', async () => {
    const spice = await fakeServer();
    const proxy = await proxyServer();
    const { source } = parseDesktopFile(
      [
        '[virt-viewer]',
        'type=spice',
        'host=127.0.0.1',
        `port=${spice.port}`,
        `proxy=http://alice:p%40ss@127.0.0.1:${proxy.port}`,
      ].join('\n'),
    );
    const listener = listenSpicePort({
      source,
      portName: NAME,
      clock: systemClock,
      onChannel: () => undefined,
    });
    onTestFinished(() => listener.close());
    await spice.channel('port');
    expect(proxy.asked).toEqual(Array.from({ length: 2 }, () => `127.0.0.1:${spice.port}`));
  });

  it('is given another user by name when it asks for one', async () => {
    const { port } = await proxyServer();
    const tunnel = openTunnel(parseHttpProxy(`127.0.0.1:${port}`), target, { timeoutMs: 1000 });
    await expect(tunnel).rejects.toMatchObject({ code: 'proxy-authentication' });
  });

  it.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'proxy-refused'],
    ['is none', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'proxy-refused'],
    ['never ends its answer', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'proxy-refused'],
    ['says nothing', '', 'timeout'],
  ])('that %s is named as what fails', async (_what, answer, code) => {
    const proxy = parseHttpProxy(`127.0.0.1:${await answering(answer)}`);
    await expect(openTunnel(proxy, target, { timeoutMs: 300 })).rejects.toMatchObject({ code });
  });

  it('that is not there is named as what fails', async () => {
    const proxy = parseHttpProxy('127.0.0.1:1');
    await expect(openTunnel(proxy, target, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'proxy-not-reachable',
    });
  });
});
