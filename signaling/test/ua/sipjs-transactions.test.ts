import { Core } from 'sip.js';
import { describe, expect, it, vi } from 'vitest';
import { ClientTransaction, ServerTransaction } from '../../src/ua/core/sipjs-transactions.ts';
import type { RequestDraft } from '../../src/ua/dialog/dialog-state.ts';
import { Headers, type HeaderPair } from '../../src/ua/message/headers.ts';
import { parseNameAddr, type NameAddr } from '../../src/ua/message/name-addr.ts';
import type { SipResponse } from '../../src/ua/message/message.ts';
import { virtualTime } from './support/bench.ts';
import { elapse } from './support/raw-peer.ts';

virtualTime();

function draft(method: string, routes: readonly string[] = []): RequestDraft {
  return {
    method,
    uri: 'sip:bob@192.0.2.2',
    headers: Headers.of([
      ...routes.map((value): HeaderPair => ['route', value]),
      ['from', '<sip:alice@example.com>;tag=a'],
      ['to', '<sip:bob@192.0.2.2>'],
      ['call-id', 'x'],
      ['cseq', `1 ${method}`],
    ]),
    nextHop: 'sip:192.0.2.2',
  };
}

function address(text: string): NameAddr {
  const parsed = parseNameAddr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function response(method: string, status: number): SipResponse {
  const from = '<sip:alice@example.com>;tag=a';
  const to = '<sip:bob@192.0.2.2>;tag=b';
  return {
    kind: 'response',
    status,
    reason: '',
    headers: Headers.of([
      ['from', from],
      ['to', to],
    ]),
    body: '',
    branch: 'z9hG4bKx',
    from: address(from),
    fromTag: 'a',
    to: address(to),
    toTag: 'b',
    callId: 'x',
    cseq: { number: 1, method },
    flow: undefined,
    seenAs: undefined,
  };
}

function transport(send: (text: string) => Promise<void> = () => Promise.resolve()): {
  sent: string[];
  core: Core.Transport;
} {
  const sent: string[] = [];
  return {
    sent,
    core: {
      protocol: 'UDP',
      send: (text) => {
        sent.push(text);
        return send(text);
      },
    },
  };
}

describe("what is put right around sip.js's transactions", () => {
  it.each(['INVITE', 'OPTIONS'])(
    'a failed send is told once and kills nothing (%s)',
    async (method) => {
      const { core } = transport(() => Promise.reject(new Error('network unreachable')));
      const told: string[] = [];
      const ended = vi.fn<() => void>();
      const transaction: ClientTransaction = new ClientTransaction(
        draft(method),
        'z9hG4bKx',
        core,
        {
          response: () => told.push('response'),
          timeout: () => told.push('timeout'),
          transportError: (error) => {
            told.push(error.message);
            transaction.dispose();
          },
        },
        ended,
      );
      await elapse(70_000);
      expect(told).toEqual(['network unreachable']);
      expect(ended).toHaveBeenCalledTimes(1);
    },
  );

  it.each(['INVITE', 'OPTIONS'])(
    'a time-out is told outside of its timer, once (%s)',
    async (method) => {
      const { core } = transport();
      const told: string[] = [];
      let ended = false;
      const transaction: ClientTransaction = new ClientTransaction(
        draft(method),
        'z9hG4bKx',
        core,
        {
          response: () => told.push('response'),
          timeout: () => {
            told.push(`timeout, ${ended ? 'over' : 'half-way'}`);
            transaction.dispose();
            transaction.receive(response(method, 200));
          },
          transportError: () => told.push('error'),
        },
        () => {
          ended = true;
        },
      );
      await elapse(40_000);
      expect(told).toEqual(['timeout, over']);
    },
  );

  it('a 408 to a request other than INVITE arrives with its header fields', () => {
    const { core } = transport();
    const statuses: number[] = [];
    const transaction = new ClientTransaction(
      draft('OPTIONS'),
      'z9hG4bKx',
      core,
      {
        response: ({ status }) => statuses.push(status),
        timeout: () => statuses.push(0),
        transportError: () => undefined,
      },
      () => undefined,
    );
    transaction.receive(response('OPTIONS', 408));
    expect(statuses).toEqual([408]);
  });

  it('the ACK of a refused INVITE has every Route', () => {
    const { core, sent } = transport();
    const transaction = new ClientTransaction(
      draft('INVITE', ['<sip:one;lr>', '<sip:two;lr>']),
      'z9hG4bKx',
      core,
      { response: () => undefined, timeout: () => undefined, transportError: () => undefined },
      () => undefined,
    );
    transaction.receive(response('INVITE', 486));
    expect(sent[1]).toMatch(/^ACK sip:bob@192\.0\.2\.2 SIP\/2\.0\r\n/);
    expect(sent[1]).toContain('Route: <sip:one;lr>, <sip:two;lr>\r\n');
  });

  it('every 2xx to an INVITE arrives, the repeated ones too', () => {
    const { core } = transport();
    const statuses: number[] = [];
    const transaction = new ClientTransaction(
      draft('INVITE'),
      'z9hG4bKx',
      core,
      {
        response: ({ status }) => statuses.push(status),
        timeout: () => undefined,
        transportError: () => undefined,
      },
      () => undefined,
    );
    for (const status of [180, 200, 200, 200, 180]) transaction.receive(response('INVITE', status));
    expect(statuses).toEqual([180, 200, 200, 200]);
  });

  it('a second final response is dropped where sip.js would throw', () => {
    const { core, sent } = transport();
    for (const method of ['INVITE', 'BYE']) {
      const transaction = new ServerTransaction({ method, branch: 'z9hG4bKy' }, core, new Set());
      transaction.send(486, 'one');
      transaction.send(200, 'two');
      expect(transaction.finished).toBe(true);
    }
    expect(sent).toEqual(['one', 'one']);
  });
});

describe('sip.js as it is (what these fixes are for)', () => {
  it('cannot stand a second final response', () => {
    const { core } = transport();
    const logger = {
      error: vi.fn<() => void>(),
      warn: vi.fn<() => void>(),
      log: vi.fn<() => void>(),
      debug: vi.fn<() => void>(),
    };
    const loggerFactory = { getLogger: () => logger } as unknown as Core.LoggerFactory;
    const server = new Core.InviteServerTransaction(
      { method: 'INVITE', viaBranch: 'x' } as unknown as Core.IncomingRequestMessage,
      core,
      { loggerFactory },
    );
    server.receiveResponse(486, 'one');
    expect(() => server.receiveResponse(200, 'two')).toThrow('unexpected 200');
    server.dispose();
  });
});
