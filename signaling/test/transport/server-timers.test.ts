import { afterEach, describe, expect, test } from 'vitest';
import { bench, coreResponse, peer, type Bench } from './support/bare-layer.ts';
import { header, request, startLine } from './support/messages.ts';

let open: Bench | undefined;

afterEach(async () => {
  await open?.layer.close();
  open = undefined;
});

async function setUp(): Promise<{ b: Bench; far: ReturnType<typeof peer> }> {
  open = await bench();
  return { b: open, far: peer(open) };
}

const INVITE = request({ method: 'INVITE' });

function answering(b: Bench, status: number): void {
  b.onRequest = (event) => {
    if (event.message.method !== 'ACK') void b.transport.send(coreResponse(event, status));
  };
}

function starts(far: ReturnType<typeof peer>): string[] {
  return far.got.map(({ text, at }) => `${at} ${startLine(text)}`);
}

describe('INVITE that came over UDP (RFC 3261 §17.2.1)', () => {
  test('gets a 100 after 200 ms when its user says nothing, with its Via and no tag', async () => {
    const { b, far } = await setUp();
    far.send(INVITE);
    await b.clock.advance(1000);
    expect(starts(far)).toEqual(['200 SIP/2.0 100 Trying']);
    expect(header(far.got[0]?.text ?? '', 'To')).toBe('<sip:bob@example.com>');
    expect(header(far.got[0]?.text ?? '', 'Via')).toContain('branch=z9hG4bKtest');
  });

  test('gets no 100 when its user was quicker', async () => {
    const { b, far } = await setUp();
    answering(b, 180);
    far.send(INVITE);
    await b.clock.advance(1000);
    expect(starts(far)).toEqual(['0 SIP/2.0 180 Reason']);
  });

  test('repeated, gets the last provisional response again; its user sees it once', async () => {
    const { b, far } = await setUp();
    answering(b, 180);
    far.send(INVITE);
    await b.clock.advance(500);
    far.send(INVITE);
    await b.clock.advance(500);
    expect(starts(far)).toEqual(['0 SIP/2.0 180 Reason', '500 SIP/2.0 180 Reason']);
    expect(b.requests).toHaveLength(1);
  });

  test('repeats a refusal until the ACK (Timer G)', async () => {
    const { b, far } = await setUp();
    answering(b, 486);
    far.send(INVITE);
    await b.clock.advance(12_000);
    expect(far.got.map(({ at }) => at)).toEqual([0, 500, 1500, 3500, 7500, 11_500]);
    far.send(request({ method: 'ACK', toTag: 'bob' }));
    await b.clock.advance(60_000);
    expect(far.got).toHaveLength(6);
    expect(b.clock.pending).toBe(0);
  });

  test('hands the ACK of a refusal up once, on the branch of the INVITE', async () => {
    const { b, far } = await setUp();
    answering(b, 486);
    far.send(INVITE);
    await b.clock.advance(10);
    far.send(request({ method: 'ACK', toTag: 'bob' }));
    far.send(request({ method: 'ACK', toTag: 'bob' }));
    await b.clock.advance(10);
    expect(b.requests.map(({ message }) => message.method)).toEqual(['INVITE', 'ACK']);
    expect(b.requests[1]?.message.viaBranch).toBe(b.requests[0]?.message.viaBranch);
  });

  test('gives up waiting for the ACK after 64*T1 (Timer H)', async () => {
    const { b, far } = await setUp();
    answering(b, 486);
    far.send(INVITE);
    await b.clock.advance(120_000);
    expect(far.got.at(-1)?.at).toBeLessThanOrEqual(32_000);
    expect(far.got).toHaveLength(11);
    expect(b.clock.pending).toBe(0);
  });

  test('leaves repeating a 2xx to its user, and absorbs the INVITE for 64*T1 (Timer L)', async () => {
    const { b, far } = await setUp();
    answering(b, 200);
    far.send(INVITE);
    await b.clock.advance(1000);
    far.send(INVITE);
    await b.clock.advance(1000);
    expect(far.got).toHaveLength(1);
    const [event] = b.requests;
    if (event === undefined) throw new Error('no INVITE');
    await b.transport.send(coreResponse(event, 200));
    await b.clock.advance(10);
    expect(far.got).toHaveLength(2);
    expect(b.requests).toHaveLength(1);
  });

  test('accepts the ACK of a 2xx with the branch of the INVITE, as some peers send it', async () => {
    const { b, far } = await setUp();
    answering(b, 200);
    far.send(INVITE);
    await b.clock.advance(10);
    far.send(request({ method: 'ACK', toTag: 'bob' }));
    await b.clock.advance(10);
    const [invite, ack] = b.requests.map(({ message }) => message);
    expect(ack?.method).toBe('ACK');
    // sip.js would throw an ACK on the branch of an answered INVITE away.
    expect(ack?.viaBranch).not.toBe(invite?.viaBranch);
  });
});

describe('other requests that came over UDP (RFC 3261 §17.2.2)', () => {
  test('are answered again for 32 s with the same response (Timer J)', async () => {
    const { b, far } = await setUp();
    answering(b, 200);
    for (const wait of [500, 30_000]) {
      far.send(request());
      await b.clock.advance(wait);
    }
    far.send(request());
    await b.clock.advance(10);
    expect(b.requests).toHaveLength(1);
    expect(new Set(far.got.map(({ text }) => text)).size).toBe(1);
    expect(far.got).toHaveLength(3);
    await b.clock.advance(5000);
    far.send(request());
    await b.clock.advance(10);
    expect(b.requests).toHaveLength(2);
  });

  test('wait for their user in silence', async () => {
    const { b, far } = await setUp();
    far.send(request());
    far.send(request());
    await b.clock.advance(20_000);
    expect(far.got).toHaveLength(0);
    expect(b.requests).toHaveLength(1);
  });

  test('a response after 64*T1 fails, for nobody waits any more', async () => {
    const { b, far } = await setUp();
    far.send(request());
    await b.clock.advance(33_000);
    const [event] = b.requests;
    if (event === undefined) throw new Error('no request');
    await expect(b.transport.send(coreResponse(event, 200))).rejects.toThrow('too late');
  });

  test('two peers with the same branch are two transactions', async () => {
    const { b, far } = await setUp();
    const other = peer(b, 7001);
    answering(b, 200);
    far.send(request());
    other.send(request({ sentBy: 'UDP 127.0.0.1:7001' }));
    await b.clock.advance(10);
    const branches = b.requests.map(({ message }) => message.viaBranch);
    expect(new Set(branches).size).toBe(2);
    expect([far.got.length, other.got.length]).toEqual([1, 1]);
  });

  test('of RFC 2543, without a branch that tells, are told apart by their fields', async () => {
    const { b, far } = await setUp();
    answering(b, 200);
    far.send(request({ branch: '1' }));
    far.send(request({ branch: '1' }));
    far.send(request({ branch: '1', cseq: 2 }));
    await b.clock.advance(10);
    expect(b.requests.map(({ message }) => message.cseq)).toEqual([1, 2]);
    expect(far.got).toHaveLength(3);
  });
});

describe('CANCEL', () => {
  test('has the branch of its INVITE for sip.js, and a transaction of its own', async () => {
    const { b, far } = await setUp();
    b.onRequest = (event) => {
      if (event.message.method === 'CANCEL') void b.transport.send(coreResponse(event, 200));
    };
    far.send(INVITE);
    await b.clock.advance(10);
    far.send(request({ method: 'CANCEL' }));
    far.send(request({ method: 'CANCEL' }));
    await b.clock.advance(10);
    expect(b.requests.map(({ message }) => message.method)).toEqual(['INVITE', 'CANCEL']);
    expect(b.requests[1]?.message.viaBranch).toBe(b.requests[0]?.message.viaBranch);
    expect(far.got.map(({ text }) => header(text, 'CSeq'))).toEqual(['1 CANCEL', '1 CANCEL']);
  });
});

describe('a user that fails', () => {
  test('makes a request be answered 500, and the layer goes on', async () => {
    const { b, far } = await setUp();
    b.onRequest = () => {
      throw new Error('bug');
    };
    far.send(request());
    await b.clock.advance(10);
    expect(starts(far)).toEqual(['0 SIP/2.0 500 Server Internal Error']);
    answering(b, 200);
    far.send(request({ branch: 'z9hG4bKnext' }));
    await b.clock.advance(10);
    expect(starts(far).at(-1)).toBe('10 SIP/2.0 200 Reason');
  });
});

describe('too many transactions', () => {
  test('are ignored over UDP, where the peer asks again', async () => {
    open = await bench({ limits: { transactions: 2 } });
    const b = open;
    const far = peer(b);
    for (const branch of ['a', 'b', 'c']) far.send(request({ branch: `z9hG4bK${branch}` }));
    await b.clock.advance(10);
    expect(b.requests).toHaveLength(2);
    expect(far.got).toHaveLength(0);
    expect(b.layer.counters.refused).toBe(1);
  });
});
