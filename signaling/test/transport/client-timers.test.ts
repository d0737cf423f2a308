import { afterEach, describe, expect, test } from 'vitest';
import { bench, coreRequest, peer, type Bench } from './support/bare-layer.ts';
import { branchOf, header, respond, startLine } from './support/messages.ts';

let open: Bench | undefined;

afterEach(async () => {
  await open?.layer.close();
  open = undefined;
});

async function setUp(): Promise<{ b: Bench; far: ReturnType<typeof peer> }> {
  open = await bench();
  return { b: open, far: peer(open) };
}

function last(far: ReturnType<typeof peer>): string {
  return far.got.at(-1)?.text ?? '';
}

describe('INVITE over UDP (RFC 3261 §17.1.1)', () => {
  test('is repeated with doubling intervals for 64*T1 (Timer A)', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(60_000);
    expect(far.got.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(new Set(far.got.map(({ text }) => text)).size).toBe(1);
  });

  test.each([100, 180, 200, 486])('is not repeated once a %i came', async (status) => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    far.send(respond(last(far), status));
    await b.clock.advance(60_000);
    expect(far.got).toHaveLength(1);
    expect(b.responses.map(({ message }) => message.statusCode)).toEqual([status]);
  });

  test('acknowledges a refusal again each time it comes again, for 32 s (Timer D)', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const refusal = respond(last(far), 486);
    far.send(refusal);
    await b.clock.advance(10);
    await b.transport.send(coreRequest('ACK', { toTag: 'bob' }));
    for (let at = 0; at < 3; at++) {
      far.send(refusal);
      await b.clock.advance(8000);
    }
    await b.clock.advance(10_000);
    far.send(refusal);
    await b.clock.advance(10);
    const acks = far.got.filter(({ text }) => text.startsWith('ACK'));
    expect(acks).toHaveLength(4);
    expect(b.responses).toHaveLength(1);
    expect(b.layer.counters.retransmissionsAbsorbed).toBe(3);
    expect(b.layer.counters.dropped).toBe(1);
  });

  test('hands up every 2xx, for the user acknowledges each (RFC 6026)', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const invite = last(far);
    far.send(respond(invite, 200, { toTag: 'one' }));
    await b.clock.advance(500);
    far.send(respond(invite, 200, { toTag: 'one' }));
    far.send(respond(invite, 200, { toTag: 'fork' }));
    await b.clock.advance(10);
    expect(b.responses.map(({ message }) => message.toTag)).toEqual(['one', 'one', 'fork']);
    expect(b.responses.every(({ matched }) => matched)).toBe(true);
  });

  test('a 2xx that no INVITE here asked for is handed up as such', async () => {
    const { b, far } = await setUp();
    far.send(respond(coreRequest('INVITE', { branch: 'z9hG4bKearlier' }), 200));
    await b.clock.advance(10);
    expect(b.responses.map(({ matched }) => matched)).toEqual([false]);
  });
});

describe('other requests over UDP (RFC 3261 §17.1.2)', () => {
  test('are repeated up to every T2 for 64*T1 (Timers E and F)', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(60_000);
    expect(far.got.map(({ at }) => at)).toEqual([
      0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
  });

  test('go on being repeated every T2 after a provisional response', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    far.send(respond(last(far), 100));
    await b.clock.advance(10_000);
    expect(far.got.map(({ at }) => at)).toEqual([0, 500, 4500, 8500]);
    far.send(respond(last(far), 200));
    await b.clock.advance(30_000);
    expect(far.got).toHaveLength(4);
  });

  test('a final response that comes again is absorbed for T4 (Timer K)', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    const answer = respond(last(far), 200);
    far.send(answer);
    await b.clock.advance(1000);
    far.send(answer);
    await b.clock.advance(5000);
    far.send(answer);
    await b.clock.advance(10);
    expect(b.responses).toHaveLength(1);
    expect(b.layer.counters).toMatchObject({ retransmissionsAbsorbed: 1, dropped: 1 });
  });

  test('no timer is left when all is over', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    far.send(respond(last(far), 200));
    await b.clock.advance(60_000);
    expect(b.clock.pending).toBe(0);
  });
});

describe('what goes with an INVITE', () => {
  test('the ACK of a refusal has its branch and goes the same way', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const invite = last(far);
    far.send(respond(invite, 603));
    await b.clock.advance(10);
    // The Request-URI would lead elsewhere.
    await b.transport.send(coreRequest('ACK', { toTag: 'bob', uri: 'sip:bob@127.0.0.1:9' }));
    await b.clock.advance(10);
    expect(startLine(last(far))).toBe('ACK sip:bob@127.0.0.1:9 SIP/2.0');
    expect(header(last(far), 'Via')).toBe(header(invite, 'Via'));
  });

  test('a CANCEL has its branch, goes the same way, and is repeated by itself', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const invite = last(far);
    far.send(respond(invite, 180));
    await b.clock.advance(10);
    await b.transport.send(coreRequest('CANCEL', { uri: 'sip:bob@127.0.0.1:9' }));
    await b.clock.advance(600);
    const cancels = far.got.filter(({ text }) => text.startsWith('CANCEL'));
    expect(cancels).toHaveLength(2);
    expect(header(cancels[0]?.text ?? '', 'Via')).toBe(header(invite, 'Via'));
    far.send(respond(cancels[0]?.text ?? '', 200));
    far.send(respond(invite, 487));
    await b.clock.advance(5000);
    expect(b.responses.map(({ message }) => `${message.statusCode} ${message.method}`)).toEqual([
      '180 INVITE',
      '200 CANCEL',
      '487 INVITE',
    ]);
  });

  test('the ACK of a 2xx is a request of its own, with the same branch when sent again', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('INVITE'));
    await b.clock.advance(10);
    const invite = last(far);
    far.send(respond(invite, 200));
    await b.clock.advance(10);
    const ack = coreRequest('ACK', { toTag: 'bob', branch: 'z9hG4bK4711' });
    await b.transport.send(ack);
    await b.transport.send(ack);
    await b.clock.advance(10);
    const acks = far.got.slice(1).map(({ text }) => branchOf(text));
    expect(acks).toHaveLength(2);
    expect(acks[0]).toBe(acks[1]);
    expect(acks[0]).not.toBe(branchOf(invite));
  });
});

describe('branches', () => {
  test('on the wire have 160 bits beyond the magic cookie, whatever sip.js made', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS', { branch: 'z9hG4bK1' }));
    await b.transport.send(coreRequest('OPTIONS', { branch: 'z9hG4bK2' }));
    await b.clock.advance(10);
    const branches = far.got.map(({ text }) => branchOf(text));
    for (const branch of branches) expect(branch).toMatch(/^z9hG4bK[0-9a-f]{40}$/);
    expect(new Set(branches).size).toBe(2);
  });

  test('and the Via that sip.js wrote are back in what it receives', async () => {
    const { b, far } = await setUp();
    await b.transport.send(coreRequest('OPTIONS', { branch: 'z9hG4bK1' }));
    await b.clock.advance(10);
    const seen = respond(last(far), 200).replace(';rport', ';rport=1234;received=198.51.100.7');
    far.send(seen);
    await b.clock.advance(10);
    const [event] = b.responses;
    expect(event?.message.getHeader('via')).toBe('SIP/2.0/UDP core.invalid;branch=z9hG4bK1;rport');
    expect(event?.seenAs).toEqual({ address: '198.51.100.7', port: 1234 });
  });
});
