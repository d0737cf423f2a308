import { Core } from 'sip.js';
import { afterEach, describe, expect, test } from 'vitest';
import type { Logger } from '@offhook/common';
import { bench, coreRequest, coreResponse, peer, type Bench } from './support/bare-layer.ts';
import { coreAgent, requestTo, uriOf } from './support/core-agent.ts';
import { header, request, respond } from './support/messages.ts';

let open: Bench | undefined;

afterEach(async () => {
  await open?.layer.close();
  open = undefined;
});

async function setUp(options: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  open = await bench(options);
  return open;
}

describe('keep-alive of a NAT binding', () => {
  test('sends an empty line by UDP at intervals, until it is stopped', async () => {
    const b = await setUp({
      random: { bytes: (count) => new Uint8Array(count), fraction: () => 1 },
    });
    const far = peer(b);
    const flow = await b.layer.reach({ uri: 'sip:127.0.0.1:7000' });
    const stop = b.layer.keepAlive(flow);
    await b.clock.advance(80_000);
    expect(far.got).toEqual([25_000, 50_000, 75_000].map((at) => ({ at, text: '\r\n\r\n' })));
    stop();
    stop();
    await b.clock.advance(80_000);
    expect(far.got).toHaveLength(3);
    expect(b.clock.pending).toBe(0);
  });

  test('spreads the intervals between 80 and 100 percent (RFC 5626 §4.4.1)', async () => {
    const b = await setUp({
      random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 },
    });
    const far = peer(b);
    b.layer.keepAlive(await b.layer.reach({ uri: 'sip:127.0.0.1:7000' }), { intervalMs: 10_000 });
    await b.clock.advance(17_000);
    expect(far.got.map(({ at }) => at)).toEqual([8000, 16_000]);
  });

  test('that a peer sends is no message', async () => {
    const b = await setUp();
    const far = peer(b);
    for (const text of ['\r\n', '\r\n\r\n', '\u0000', 'jaK']) far.send(text);
    await b.clock.advance(10);
    expect(b.layer.counters).toMatchObject({ received: 0, dropped: 0 });
  });
});

describe('what strangers send', () => {
  test('is counted, and fills no log', async () => {
    const lines: object[] = [];
    const write = (fields: object): void => void lines.push(fields);
    const logger: Logger = {
      error: write,
      warn: write,
      info: write,
      debug: write,
      child: () => logger,
    };
    const b = await setUp({ logger });
    const far = peer(b);
    for (let at = 0; at < 1000; at++) far.send(`nonsense ${at}\r\n\r\n`);
    await b.clock.advance(11_000);
    far.send('nonsense\r\n\r\n');
    await b.clock.advance(10);
    expect(b.layer.counters).toMatchObject({ received: 1001, dropped: 1001 });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ unsaid: 999, from: '127.0.0.1:7000' });
    expect(JSON.stringify(lines)).not.toContain('nonsense');
  });

  test('before anybody takes messages is ignored', async () => {
    const b = await setUp();
    const far = peer(b);
    b.layer.receive(undefined as never);
    far.send(request());
    await b.clock.advance(1000);
    expect(far.got).toEqual([]);
  });

  test('a body beyond the limit is refused with 413', async () => {
    const b = await setUp({ limits: { bodyBytes: 100 } });
    const far = peer(b);
    far.send(request({ body: 'x'.repeat(101) }));
    await b.clock.advance(10);
    expect(far.got[0]?.text).toMatch(/^SIP\/2.0 413 /);
  });

  test('a datagram beyond the limit is dropped', async () => {
    const b = await setUp({ limits: { datagramBytes: 500 } });
    const far = peer(b);
    far.send(request({ body: 'x'.repeat(500) }));
    await b.clock.advance(10);
    expect(far.got).toEqual([]);
    expect(b.layer.counters.dropped).toBe(1);
  });

  test('a refusal of the layer is repeated until its ACK, which ends there', async () => {
    const b = await setUp();
    const far = peer(b);
    const broken = request({ method: 'INVITE' }).replace('CSeq: 1', 'CSeq: 1x');
    far.send(broken);
    await b.clock.advance(600);
    expect(far.got.map(({ text }) => text.slice(0, 11))).toEqual(['SIP/2.0 400', 'SIP/2.0 400']);
    far.send(request({ method: 'ACK', toTag: 'any' }));
    await b.clock.advance(60_000);
    expect(far.got).toHaveLength(2);
    expect(b.clock.pending).toBe(0);
  });
});

describe('a request that comes again by another way', () => {
  test('is answered there', async () => {
    const b = await setUp();
    const [first, second] = [peer(b, 7001), peer(b, 7002)];
    first.send(request());
    await b.clock.advance(10);
    second.send(request());
    await b.clock.advance(10);
    const [event] = b.requests;
    if (event === undefined) throw new Error('no request');
    await b.transport.send(coreResponse(event, 200));
    await b.clock.advance(10);
    expect([b.requests.length, first.got.length, second.got.length]).toEqual([1, 0, 1]);
  });
});

describe('a long request in a flow over UDP', () => {
  test('is tried over TCP to the same place, then sent in the flow', async () => {
    const tried: string[] = [];
    const b = await setUp();
    await b.layer.close();
    const network = b.network.host();
    const spying = await setUp({
      network: {
        ...network,
        connect: (to, signal) => {
          tried.push(`${to.transport} ${to.address} ${to.port}`);
          return network.connect(to, signal);
        },
      },
    });
    const flow = await spying.layer.reach({ uri: 'sip:127.0.0.1:7000' });
    const transport = spying.layer.coreTransport(() => ({ flow }));
    await transport.send(coreRequest('MESSAGE', { body: 'x'.repeat(1400) }));
    await transport.send(coreRequest('MESSAGE', { branch: 'z9hG4bK2', body: 'x' }));
    expect(tried).toEqual(['tcp 127.0.0.1 7000']);
    expect(spying.layer.counters.sent).toBe(2);
  });
});

describe("sip.js's own world", () => {
  test('keeps its timers as they are: a reliable transport', async () => {
    await setUp();
    const { TIMER_D, TIMER_I, TIMER_J, TIMER_K } = Core.Timers;
    expect([TIMER_D, TIMER_I, TIMER_J, TIMER_K]).toEqual([0, 0, 0, 0]);
  });

  test('has client transactions whose branches do not collide', async () => {
    const b = await setUp();
    const network = b.network.host();
    const agent = await coreAgent({
      user: 'alice',
      layer: {
        listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
        network,
        clock: b.clock,
      },
    });
    const ids = Array.from(
      { length: 50 },
      () =>
        agent.core.request(requestTo(agent, 'OPTIONS', uriOf('sip:127.0.0.1:7000'))).message.branch,
    );
    for (const id of ids) expect(id).toMatch(/^z9hG4bK[0-9a-f]{40}$/);
    expect(new Set(ids).size).toBe(50);
    await agent.close();
  });

  test('sees every challenge of a response in its head', async () => {
    const b = await setUp();
    const far = peer(b);
    await b.transport.send(coreRequest('REGISTER'));
    await b.clock.advance(10);
    const challenges = ['MD5', 'SHA-256'].map(
      (algorithm) => `WWW-Authenticate: Digest realm="r", nonce="n", algorithm=${algorithm}`,
    );
    far.send(respond(far.got[0]?.text ?? '', 401, { headers: challenges }));
    await b.clock.advance(10);
    const found = b.responses[0]?.head.fields.filter(({ name }) => name === 'www-authenticate');
    expect(found).toHaveLength(2);
  });

  test('gets compact forms by their long names, and folded lines in one', async () => {
    const b = await setUp();
    const far = peer(b);
    far.send(request({ headers: ['k: timer,\r\n 100rel', 's: a\r\n\tb', 'x: 90'] }));
    await b.clock.advance(10);
    const message = b.requests[0]?.message;
    expect(message?.getHeader('supported')).toBe('timer, 100rel');
    expect(message?.getHeader('subject')).toBe('a b');
    expect(message?.getHeader('session-expires')).toBe('90');
  });

  test('gets the body by bytes, not by characters, and nothing behind it', async () => {
    const b = await setUp();
    const far = peer(b);
    far.send(`${request({ method: 'MESSAGE', body: 'Grüße 👋' })}garbage`);
    await b.clock.advance(10);
    expect(b.requests[0]?.message.body).toBe('Grüße 👋');
    expect(b.requests[0]?.body).toBe('Grüße 👋');
  });

  test('is not told of a message that its grammar refuses; the peer gets a 400', async () => {
    const b = await setUp();
    const far = peer(b);
    b.onRequest = ({ message }) => void message.callId;
    far.send(request({ headers: ['Record-Route: <sip:a@b>x'] }));
    await b.clock.advance(10);
    expect(far.got[0]?.text).toMatch(/^SIP\/2.0 400 Malformed Record-Route Header Field/);
    expect(header(far.got[0]?.text ?? '', 'To')).toContain(';tag=');
  });
});
