import { Emitter, ManualClock } from '@offhook/common';
import { createMemoryPair, FrameReader, FrameWriter, type Channel } from '@offhook/virtual-channel';
import type { MediaEngine, MediaEvents, MethodName } from '../src/index.ts';
import {
  connectMedia,
  serveMedia,
  type ConnectMediaOptions,
  type ServeMediaOptions,
} from '../src/index.ts';

type Answer = (method: MethodName, params: unknown, signal: AbortSignal) => unknown;

/** An engine that does what the test says. */
export class ScriptedEngine extends Emitter<MediaEvents> implements MediaEngine {
  readonly calls: [method: MethodName, params: unknown][] = [];
  answer: Answer = () => ({});

  async handle(
    method: MethodName,
    params: unknown,
    { signal }: { signal: AbortSignal },
  ): Promise<never> {
    this.calls.push([method, params]);
    return (await this.answer(method, params, signal)) as never;
  }
}

/** A guest and a scripted engine over memory and virtual time. */
export async function connected(
  options: { guest?: Partial<ConnectMediaOptions>; server?: Partial<ServeMediaOptions> } = {},
) {
  const clock = new ManualClock();
  const pair = createMemoryPair({ clock });
  const engine = new ScriptedEngine();
  const server = serveMedia(pair.right, {
    engine: () => engine,
    instanceId: 'engine-1',
    clock,
    ...options.server,
  });
  const client = await connectMedia(pair.left, {
    instanceId: 'guest-1',
    leaseMs: 20_000,
    clock,
    ...options.guest,
  });
  return { clock, pair, engine, server, client };
}

/** A channel in the hands of a process that can be killed: it then neither hears nor says more. */
export function mortal(channel: Channel): { channel: Channel; kill: () => void } {
  const subscriptions: (() => void)[] = [];
  let alive = true;
  return {
    kill() {
      alive = false;
      for (const off of subscriptions) off();
    },
    channel: {
      peer: channel.peer,
      get closed() {
        return channel.closed;
      },
      get buffered() {
        return channel.buffered;
      },
      on(name, listener) {
        const off = channel.on(name, listener);
        subscriptions.push(off);
        return off;
      },
      write: (bytes) => !alive || channel.write(bytes),
      pause: () => alive && channel.pause(),
      resume: () => alive && channel.resume(),
      close: () => (alive ? channel.close() : Promise.resolve()),
      destroy: (error) => alive && channel.destroy(error),
    },
  };
}

/** Speaks for one end of a link by hand: knows enough of HELLO to get an engine or guest up. */
export async function comeUp(channel: Channel, role: 'guest' | 'engine', clock: ManualClock) {
  const writer = new FrameWriter();
  const frames: Record<string, unknown>[] = [];
  const reader = new FrameReader({
    onFrame: (payload) => frames.push(JSON.parse(payload.toString('utf8'))),
  });
  channel.on('data', (chunk) => reader.push(chunk));
  await clock.advance(0);
  const echo = frames.findLast(({ link }) => link === 'hello')?.['nonce'];
  const protocol = { min: 1, max: 1 };
  const hello = { link: 'hello', role, protocol, nonce: 'b'.repeat(32), echo, instance: 'x' };
  channel.write(writer.encode(JSON.stringify(hello)));
  await clock.advance(0);
  return frames;
}
