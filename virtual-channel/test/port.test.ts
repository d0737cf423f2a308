import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { isOffhookError, silentLogger, systemClock, withDeadline } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryPair, FrameWriter, type Channel } from '../src/index.ts';
import { encodeHello } from '../src/mux/frames.ts';
import { Mux } from '../src/mux/index.ts';
import { connectPort, openPortFile, startPortHelper } from '../src/port/index.ts';
import type { PortFile, PortHelper } from '../src/port/index.ts';
import { temporaryDirectory } from './channels.ts';

/** A virtio port with a host that comes and goes; reads and writes behave as the kernel's do. */
class TestPort implements PortFile {
  #guest: Channel | undefined;
  #unread: Buffer[] = [];
  #changed = Promise.withResolvers<void>();
  broken = false;

  /** The host's end of a new life. */
  connect(): Channel {
    const { left, right } = createMemoryPair();
    this.#guest = left;
    left.on('data', (chunk) => {
      this.#unread.push(Buffer.from(chunk));
      this.#wake();
    });
    left.on('close', () => {
      if (this.#guest === left) this.#guest = undefined;
      this.#wake();
    });
    this.#wake();
    return right;
  }

  /** Bytes that an earlier host has left in the machine. */
  leave(bytes: Uint8Array): void {
    this.#unread.push(Buffer.from(bytes));
  }

  break(): void {
    this.broken = true;
    this.#wake();
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      if (this.broken) throw new Error('EIO');
      const next = this.#unread.shift();
      if (next !== undefined) {
        into.set(next);
        return next.length;
      }
      if (this.#guest === undefined) return 0;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#guest === undefined) await this.#changed.promise;
    const part = Uint8Array.from(bytes.subarray(0, 1000));
    this.#guest.write(part);
    return part.length;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

const directory = temporaryDirectory();
let socketPath: string;
let port: TestPort;
let helper: PortHelper;
let sockets = 0;

beforeEach(async () => {
  sockets += 1;
  socketPath = join(directory, `${sockets}.sock`);
  port = new TestPort();
  helper = await startPortHelper({
    file: port,
    name: 'org.offhook.engine.0',
    socketPath,
    clock: systemClock,
    logger: silentLogger,
  });
  helper.done.catch(() => undefined);
});
afterEach(() => helper.close());

/** An engine at the host's end: says back what it hears. */
function engine(): Channel {
  const channel = port.connect();
  const mux = new Mux(channel, {
    clock: systemClock,
    services: {
      media: (stream) => {
        stream.on('data', (chunk) => stream.write(Uint8Array.from(chunk)));
      },
    },
  });
  mux.on('down', () => undefined);
  return channel;
}

function soon<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withDeadline({ layer: 'channel', what, ms: 5000 }, work);
}

/** An application's stream, as soon as it can be had. */
function application(service = 'media'): Promise<Channel> {
  return soon('a stream', async (signal) => {
    for (;;) {
      try {
        return await connectPort({ socketPath, service, signal });
      } catch (error) {
        if (!isOffhookError(error, 'no-client')) throw error;
        signal.throwIfAborted();
      }
    }
  });
}

function hear(channel: Channel, length: number): Promise<string> {
  let text = '';
  const all = Promise.withResolvers<string>();
  channel.on('data', (chunk) => {
    text += Buffer.from(chunk).toString();
    if (text.length >= length) all.resolve(text);
  });
  return soon('the echo', () => all.promise);
}

function closing(channel: Channel): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  channel.on('close', resolve);
  return soon('closing', () => promise);
}

describe('port helper', () => {
  it('gives several applications a stream each to the engine at the other end', async () => {
    engine();
    const [one, two] = await Promise.all([application(), application()]);
    const echoes = Promise.all([hear(one, 3), hear(two, 200_000)]);
    one.write(Buffer.from('one'));
    two.write(Buffer.from('2'.repeat(200_000)));
    expect(await echoes).toEqual(['one', '2'.repeat(200_000)]);
  });

  it('says that no engine is there, and keeps applications for the time when one is', async () => {
    await expect(connectPort({ socketPath, service: 'media' })).rejects.toMatchObject({
      code: 'no-client',
      message: 'no engine has the other end of port org.offhook.engine.0',
    });
    engine();
    const stream = await application();
    const echo = hear(stream, 2);
    stream.write(Buffer.from('hi'));
    expect(await echo).toBe('hi');
  });

  it('lets an application wait while a new client at the same life of the port is greeted', async () => {
    const host = port.connect();
    const first = new Mux(host, { clock: systemClock, services: { media: () => undefined } });
    const before = await application();
    const ended = closing(before);
    // Somebody else at the same end, who hears nothing for now.
    host.write(new FrameWriter().encode(encodeHello('ab'.repeat(16), undefined)));
    await ended;
    const waiting = connectPort({ socketPath, service: 'media' });
    // It is not: the one that was there before finds that out, and greets as anew.
    const stream = await soon('the stream', () => waiting);
    expect([stream.closed, first.up]).toEqual([false, true]);
  });

  it('ends streams when the engine goes, and serves the next engine', async () => {
    const first = engine();
    const stream = await application();
    const gone = closing(stream);
    first.destroy();
    await gone;
    engine();
    const again = await application();
    const echo = hear(again, 5);
    again.write(Buffer.from('again'));
    expect(await echo).toBe('again');
  });

  it('is not misled by bytes that an earlier engine has left', async () => {
    port.leave(new FrameWriter().encode(encodeHello('0d'.repeat(16), undefined)));
    port.leave(Buffer.from('half a frame'));
    engine();
    const stream = await application();
    const echo = hear(stream, 5);
    stream.write(Buffer.from('fresh'));
    expect(await echo).toBe('fresh');
  });

  it('closes a stream whose service the engine does not have', async () => {
    engine();
    expect(await closing(await application('printer'))).toBeUndefined();
  });

  it('loses nothing of what comes along with the greeting, at either end', async () => {
    engine();
    await application();
    const socket = connect(socketPath);
    let heard = '';
    const echo = Promise.withResolvers<void>();
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.endsWith('at once')) echo.resolve();
    });
    socket.write('media\nat once');
    await soon('the echo', () => echo.promise);
    expect(heard).toBe('ok\nat once');
    socket.destroy();

    const quick = createServer((taken) => taken.write('ok\nfirst\nwords'));
    const quickPath = join(directory, 'quick.sock');
    quick.listen(quickPath);
    await once(quick, 'listening');
    const stream = await connectPort({ socketPath: quickPath, service: 'media' });
    expect(await hear(stream, 11)).toBe('first\nwords');
    stream.destroy();
    quick.close();
  });

  it('refuses an application that names no service', async () => {
    const socket = connect(socketPath);
    socket.write('x'.repeat(1000));
    const [answer] = (await soon('an answer', (signal) => once(socket, 'data', { signal }))) as [
      Buffer,
    ];
    expect(answer.toString()).toMatch(/^error malformed /u);
    socket.destroy();
  });

  it('ends with the reason when the port itself is gone', async () => {
    port.connect();
    port.break();
    await expect(soon('the end', () => helper.done)).rejects.toMatchObject({
      layer: 'channel',
      code: 'failed',
      message: 'org.offhook.engine.0 cannot be read',
    });
  });

  it('cannot open a port that the VM does not have', async () => {
    await expect(openPortFile(join(directory, 'none'))).rejects.toMatchObject({
      code: 'no-port',
      remedy: 'add it to the VM’s configuration',
    });
  });

  it('has its socket for itself', async () => {
    const second = startPortHelper({
      file: new TestPort(),
      name: 'org.offhook.engine.0',
      socketPath,
      clock: systemClock,
      logger: silentLogger,
    });
    await expect(second).rejects.toMatchObject({ code: 'in-use' });
  });
});
