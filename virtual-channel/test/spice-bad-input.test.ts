import { isOffhookError, ManualClock, systemClock, withDeadline } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeBody, encodeBody, type Layout } from '../src/spice/layout.ts';
import { listenSpicePort, type SpiceLinkState } from '../src/spice/index.ts';
import {
  baseFromClient,
  baseFromServer,
  mainFromClient,
  mainFromServer,
  PortEvent,
  portFromClient,
  portFromServer,
} from '../src/spice/messages.ts';
import { LINK_STEPS } from './support/fake-spice-server.ts';
import {
  fakeServer,
  linked,
  Log,
  NAME,
  nextText,
  receives,
  text,
} from './support/moving-desktop.ts';

const rows: readonly (readonly [name: string, row: { type: number; body: Layout }])[] = [
  baseFromServer,
  baseFromClient,
  mainFromServer,
  mainFromClient,
  portFromServer,
  portFromClient,
].flatMap((table) => Object.entries(table));

/** Fields that a layout can hold. */
function fieldsOf(layout: Layout): fc.Arbitrary<Record<string, number | bigint | Uint8Array>> {
  const types = {
    u8: fc.nat(0xff),
    u16: fc.nat(0xffff),
    u32: fc.nat(0xffffffff),
    u64: fc.bigInt(0n, 2n ** 64n - 1n),
    blob: fc.uint8Array({ maxLength: 100 }),
    rest: fc.uint8Array({ maxLength: 100 }),
  };
  return fc.record(
    Object.fromEntries(Object.entries(layout).map(([name, type]) => [name, types[type]])),
  );
}

/** Either it is read, or an error of ours says why not. */
function isReadOrRefused(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return isOffhookError(error);
  }
}

describe('the layout of a SPICE message', () => {
  it.each(rows)('reads what it writes, and refuses a piece of it: %s', (name, row) => {
    fc.assert(
      fc.property(fieldsOf(row.body), fc.nat(), (fields, at) => {
        const body = encodeBody(row.body, fields as never);
        expect(decodeBody(name, row.body, body)).toEqual(fields);
        const piece = body.subarray(0, at % (body.length + 1));
        expect(isReadOrRefused(() => decodeBody(name, row.body, piece))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a headless client at a server that fails', () => {
  const ways = [
    ['is silent', 'silence'],
    ['closes', 'closing'],
    ['sends rubbish', Buffer.from('\xff'.repeat(300), 'latin1')],
    ['announces a message of 4 GiB', Buffer.from('6500ffffffff', 'hex')],
  ] as const;
  const cases = LINK_STEPS.flatMap((at) => ways.map(([what, by]) => ({ at, what, by })));

  it.each(cases)('at $at, where it $what: says so, and tries again', async ({ at, by }) => {
    const server = await fakeServer({ fails: { at, by } });
    const states = new Log<SpiceLinkState>();
    const clock = new ManualClock();
    const listener = listenSpicePort({
      source: { host: '127.0.0.1', port: server.port, password: '', secureChannels: [] },
      portName: NAME,
      clock,
      timeoutMs: 150,
      onChannel: () => undefined,
      onState: states.add,
    });
    onTestFinished(() => listener.close());
    const failed = await states.find('the reason', ({ state }) => state === 'waiting');
    expect(failed).toMatchObject({ error: { layer: 'channel' }, retryInMs: 100 });
    const before = server.links;
    await clock.advance(100);
    await states.find('another failure', (state) => state.state === 'waiting' && state !== failed);
    expect(server.links).toBeGreaterThan(before);
  });

  it.each([
    ['main', 'an unknown message', 9999, Buffer.alloc(10)],
    ['main', 'an agent’s message', 107, Buffer.alloc(2000)],
    ['port', 'an unknown message', 9999, Buffer.alloc(10)],
    ['port', 'compressed data, which we have not asked for', 102, Buffer.alloc(100)],
    ['port', 'an unknown event', 202, Buffer.of(77)],
  ] as const)('passes over %s: %s', async (channel, _what, type, body) => {
    const client = await linked();
    client[channel].sendRaw(type, body);
    client.port.send(portFromServer.data, text('and now?'));
    await receives(client.stream, 'and now?');
    expect(client.stream.ended).toBeUndefined();
  });

  it.each([
    ['main', 'a truncated MIGRATE_BEGIN', 101, Buffer.alloc(7)],
    ['main', 'a MIGRATE_BEGIN that points outside', 101, Buffer.alloc(20, 0x7f)],
    ['main', 'a truncated MIGRATE_SWITCH_HOST', 111, Buffer.alloc(3)],
    ['main', 'a truncated MIGRATE', 1, Buffer.alloc(2)],
    ['main', 'a truncated PING', 4, Buffer.alloc(3)],
    ['port', 'a truncated SET_ACK', 3, Buffer.alloc(5)],
    ['port', 'a PORT_INIT that points outside', 201, Buffer.alloc(9, 0x7f)],
    ['port', 'an empty PORT_EVENT', 202, Buffer.alloc(0)],
  ] as const)('costs that connection: %s, %s', async (channel, _what, type, body) => {
    const client = await linked();
    client[channel].sendRaw(type, body);
    const failed = await client.states.find('the reason', ({ state }) => state === 'waiting');
    expect(failed).toMatchObject({ error: { code: 'spice-malformed' } });
    await client.streams.find('the next stream', (stream) => stream !== client.stream);
  });

  it('lives through anything that comes on its channels', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            channel: fc.constantFrom('main' as const, 'port' as const),
            type: fc.oneof(fc.nat(300), fc.constantFrom(...rows.map(([, row]) => row.type))),
            body: fc.uint8Array({ maxLength: 60 }),
            claims: fc.option(fc.nat(0xffffffff)),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (messages) => {
          const client = await linked();
          for (const { channel, type, body, claims } of messages)
            client[channel].sendRaw(type, body, claims ?? body.length);
          client.main.close();
          client.port.close();
          const end = await client.states.find('the end', ({ state }) => state === 'waiting');
          expect(end).toMatchObject({ error: { layer: 'channel' } });
          await client.listener.close();
          await client.source.stop();
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);
});

describe('a headless client at a guest that', () => {
  it('floods: takes no more than the listener does', async () => {
    const client = await linked();
    client.stream.channel.pause();
    const flood = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (client.port.writable && sent < 256 * 1024 * 1024) {
      client.port.sendRaw(portFromServer.data.type, flood);
      sent += flood.length;
      await client.port.flushed();
    }
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('takes nothing: gives up at a bound, and says so', async () => {
    const client = await linked();
    client.port.stall();
    const chunk = Buffer.alloc(256 * 1024);
    const ended = new Promise<unknown>((resolve) => client.stream.channel.on('close', resolve));
    for (let sent = 0; sent < 64 && !client.stream.channel.closed; sent++)
      client.stream.channel.write(chunk);
    const what = { layer: 'system', what: 'the end', ms: 3000 } as const;
    expect(await withDeadline(what, () => ended)).toMatchObject({ code: 'send-buffer-full' });
  });

  it('opens its end again in the middle of what it said', async () => {
    const client = await linked();
    client.port.send(portFromServer.data, text('half a fra'));
    for (const event of [PortEvent.closed, PortEvent.opened])
      client.port.send(portFromServer.event, { event });
    client.port.send(portFromServer.data, text('anew'));
    const next = await client.streams.find('a stream', (stream) => stream !== client.stream);
    await receives(next, 'anew');
    expect(client.stream.ended).toContain('the guest closed');
    next.channel.write(Buffer.from('yes'));
    expect(await nextText(client.port)).toBe('yes');
  });
});

it('is closed without a trace while it links', async () => {
  const server = await fakeServer({ fails: { at: 'authentication', by: 'silence' } });
  const listener = listenSpicePort({
    source: { host: '127.0.0.1', port: server.port, password: '', secureChannels: [] },
    portName: NAME,
    clock: systemClock,
    onChannel: () => undefined,
  });
  const what = { layer: 'system', what: 'closing', ms: 1000 } as const;
  await expect(withDeadline(what, () => listener.close())).resolves.toBeUndefined();
});
