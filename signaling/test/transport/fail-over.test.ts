import { afterEach, describe, expect, test } from 'vitest';
import type { Target } from '../../src/transport/layer.ts';
import { bench, coreRequest, peer, type Bench } from './support/bare-layer.ts';
import { branchOf, header, respond, startLine } from './support/messages.ts';

let open: Bench | undefined;

afterEach(async () => {
  await open?.layer.close();
  open = undefined;
});

const target = (port: number, transport: Target['transport'] = 'udp'): Target => ({
  transport,
  address: '127.0.0.1',
  port,
});

async function setUp(...targets: Target[]): Promise<Bench> {
  open = await bench({ router: () => ({ targets }) });
  return open;
}

function statuses(b: Bench): (number | undefined)[] {
  return b.responses.map(({ message }) => message.statusCode);
}

describe('fail-over (RFC 3263 §4.3)', () => {
  test('goes on to the next server when a connection is refused', async () => {
    const b = await setUp(target(6000, 'tcp'), target(7000));
    const second = peer(b);
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    expect(second.got).toHaveLength(1);
    expect(header(second.got[0]?.text ?? '', 'Via')).toContain('SIP/2.0/UDP');
  });

  test('rejects with the reason when no server can be sent to', async () => {
    const b = await setUp(target(6000, 'tcp'), target(6001, 'tls'));
    await expect(b.transport.send(coreRequest('OPTIONS'))).rejects.toMatchObject({
      name: 'Error',
      message: expect.stringContaining('127.0.0.1 port 6001 over tls'),
    });
    expect(b.layer.counters.sendFailures).toBe(1);
  });

  test('goes on when the network says that nobody listens at the port', async () => {
    const b = await setUp(target(6000), target(7000));
    const second = peer(b);
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(600);
    expect(second.got).toHaveLength(1);
    second.send(respond(second.got[0]?.text ?? '', 200));
    await b.clock.advance(10);
    expect(statuses(b)).toEqual([200]);
  });

  test('makes a 503 of a port where nobody listens, when there is no other', async () => {
    const b = await setUp(target(6000));
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(600);
    expect(statuses(b)).toEqual([503]);
    const [event] = b.responses;
    expect(event?.flow).toBeUndefined();
    expect(event?.message.getHeader('warning')).toContain('nobody listens at 127.0.0.1 port 6000');
  });

  test('swallows the ACK that sip.js makes for such a 503', async () => {
    const b = await setUp(target(6000));
    b.onResponse = () => {
      void b.transport.send(coreRequest('ACK', { toTag: 'x', uri: 'sip:bob@127.0.0.1:6000' }));
    };
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(60_000);
    expect(statuses(b)).toEqual([503]);
    expect(b.network.log.some(({ text }) => text.startsWith('ACK'))).toBe(false);
  });

  test('goes on from a server without capacity, acknowledging its 503 itself', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    first.send(respond(first.got[0]?.text ?? '', 503));
    await b.clock.advance(10);
    expect(first.got.map(({ text }) => startLine(text).split(' ')[0])).toEqual(['INVITE', 'ACK']);
    expect(header(first.got[1]?.text ?? '', 'Via')).toBe(header(first.got[0]?.text ?? '', 'Via'));
    expect(header(first.got[1]?.text ?? '', 'To')).toContain(';tag=bob');
    expect(second.got).toHaveLength(1);
    expect(branchOf(second.got[0]?.text ?? '')).not.toBe(branchOf(first.got[0]?.text ?? ''));
    second.send(respond(second.got[0]?.text ?? '', 486));
    await b.clock.advance(10);
    expect(statuses(b)).toEqual([486]);
    await b.transport.send(coreRequest('ACK', { toTag: 'bob' }));
    await b.clock.advance(10);
    expect(second.got.map(({ text }) => startLine(text).split(' ')[0])).toEqual(['INVITE', 'ACK']);
  });

  test('hands the last 503 up', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    first.send(respond(first.got[0]?.text ?? '', 503));
    await b.clock.advance(10);
    second.send(respond(second.got[0]?.text ?? '', 503));
    await b.clock.advance(10);
    expect(statuses(b)).toEqual([503]);
  });

  test('goes on from a server that says nothing, after its share of Timer B', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(15_900);
    expect(second.got).toHaveLength(0);
    await b.clock.advance(200);
    expect(second.got).toHaveLength(1);
    expect(first.got.length).toBeGreaterThan(1);
  });

  test('a call that the silent server sets up after all is handed up', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(16_100);
    second.send(respond(second.got[0]?.text ?? '', 180, { toTag: 'second' }));
    await b.clock.advance(10);
    first.send(respond(first.got[0]?.text ?? '', 200, { toTag: 'first' }));
    await b.clock.advance(10);
    expect(b.responses.map(({ message }) => message.toTag)).toEqual(['second', 'first']);
    const vias = b.responses.map(({ message }) => message.viaBranch);
    expect(vias).toEqual(['z9hG4bKcore', 'z9hG4bKcore']);
  });

  test('stays where a provisional response came from', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    first.send(respond(first.got[0]?.text ?? '', 100));
    await b.clock.advance(120_000);
    expect(second.got).toHaveLength(0);
  });

  test('looks for no other server once the call was cancelled', async () => {
    const b = await setUp(target(7001), target(7000));
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const invite = first.got[0]?.text ?? '';
    first.send(respond(invite, 180));
    await b.clock.advance(10);
    await b.transport.send(coreRequest('CANCEL'));
    first.send(respond(invite, 503));
    await b.clock.advance(10);
    expect(second.got).toHaveLength(0);
    expect(statuses(b)).toEqual([180, 503]);
  });
});

describe('the server that failed', () => {
  const resolver = {
    naptr: async () => [],
    srv: async () => [
      { priority: 1, weight: 0, port: 7001, name: '127.0.0.1' },
      { priority: 2, weight: 0, port: 7000, name: '127.0.0.1' },
    ],
    addresses: async () => [],
  };
  const uri = 'sip:bob@example.com;transport=udp';

  test('is tried last by the next request, until Retry-After is over', async () => {
    open = await bench({ resolver });
    const b = open;
    const [first, second] = [peer(b, 7001), peer(b, 7000)];
    await b.transport.send(coreRequest('OPTIONS', { uri }));
    await b.clock.advance(10);
    first.send(respond(first.got[0]?.text ?? '', 503, { headers: ['Retry-After: 120 (busy)'] }));
    await b.clock.advance(10);
    second.send(respond(second.got[0]?.text ?? '', 200));
    await b.clock.advance(100_000);
    await b.transport.send(coreRequest('OPTIONS', { uri, branch: 'z9hG4bK2', cseq: 2 }));
    await b.clock.advance(10);
    expect([first.got.length, second.got.length]).toEqual([1, 2]);
    expect((await b.layer.resolve(uri)).map(({ port }) => port)).toEqual([7000, 7001]);
    await b.clock.advance(30_000);
    expect((await b.layer.resolve(uri)).map(({ port }) => port)).toEqual([7001, 7000]);
  });

  test('a name that DNS does not know makes sending fail with that reason', async () => {
    open = await bench({
      resolver: { ...resolver, srv: async () => [] },
    });
    await expect(open.transport.send(coreRequest('OPTIONS', { uri }))).rejects.toThrow(
      'DNS knows no address',
    );
  });
});

describe('a request too long for UDP (RFC 3261 §18.1.1)', () => {
  test('goes by UDP when the server takes no TCP, and is not tried by TCP again', async () => {
    const b = await setUp(target(7000));
    const far = peer(b);
    const body = 'x'.repeat(1400);
    await b.transport.send(coreRequest('MESSAGE', { body }));
    await b.transport.send(coreRequest('MESSAGE', { body, branch: 'z9hG4bK2', cseq: 2 }));
    await b.clock.advance(10);
    expect(far.got).toHaveLength(2);
    expect(header(far.got[0]?.text ?? '', 'Via')).toContain('SIP/2.0/UDP');
  });
});

describe('routing', () => {
  test('goes by the topmost Route, else by the Request-URI', async () => {
    open = await bench();
    const b = open;
    const [proxy, direct] = [peer(b, 7001), peer(b, 7000)];
    const headers = ['Route: <sip:127.0.0.1:7001;lr>, <sip:other.example;lr>'];
    await b.transport.send(coreRequest('OPTIONS', { headers }));
    await b.transport.send(coreRequest('OPTIONS', { branch: 'z9hG4bK2' }));
    await b.clock.advance(10);
    expect([proxy.got.length, direct.got.length]).toEqual([1, 1]);
  });

  test('asks the router about each request, and takes a flow for an answer', async () => {
    const asked: string[] = [];
    open = await bench({
      router: ({ method, callId }) => {
        asked.push(`${method} ${callId}`);
        return undefined;
      },
    });
    const b = open;
    const far = peer(b);
    const flow = await b.layer.reach({ uri: 'sip:127.0.0.1:7000' });
    expect(flow).toMatchObject({
      transport: 'udp',
      remote: { address: '127.0.0.1', port: 7000 },
      contact: { address: '127.0.0.1', port: b.port },
    });
    await b.layer
      .coreTransport(() => ({ flow }))
      .send(coreRequest('OPTIONS', { uri: 'sip:bob@127.0.0.1:9' }));
    await b.transport.send(coreRequest('OPTIONS', { branch: 'z9hG4bK2' }));
    await b.clock.advance(10);
    expect(far.got).toHaveLength(2);
    expect(asked).toEqual(['OPTIONS call@test']);
  });

  test('nothing is sent after close', async () => {
    const b = await setUp(target(7000));
    await b.layer.close();
    await b.layer.close();
    await expect(b.transport.send(coreRequest('OPTIONS'))).rejects.toThrow('closed');
    await expect(b.layer.reach({ uri: 'sip:127.0.0.1' })).rejects.toMatchObject({ code: 'closed' });
    expect(b.clock.pending).toBe(0);
  });
});
