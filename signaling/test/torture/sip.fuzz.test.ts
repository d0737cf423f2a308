import { ManualClock } from '@offhook/common';
import { fuzzing, mangled } from '@offhook/common/fuzz';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UserAgent } from '../../src/api.ts';
import { StreamFramer } from '../../src/transport/framer.ts';
import { checkMessage } from '../../src/transport/check.ts';
import { parseHead } from '../../src/transport/parse.ts';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { MemoryNetwork } from '../transport/support/memory-network.ts';
import { SDP, plain } from './case.ts';
import { INVALID } from './rfc4475-invalid.ts';
import { SEMANTICS } from './rfc4475-semantics.ts';
import { VALID } from './rfc4475-valid.ts';
import { IPV6 } from './rfc5118.ts';

const CORPUS: readonly Buffer[] = [
  ...[...VALID, ...INVALID, ...SEMANTICS, ...IPV6].map(({ message }) => Buffer.from(message)),
  ...[
    'INVITE',
    'ACK',
    'BYE',
    'CANCEL',
    'OPTIONS',
    'MESSAGE',
    'NOTIFY',
    'INFO',
    'PRACK',
    'UPDATE',
    'REFER',
  ].flatMap((method) => [
    Buffer.from(plain({ method, callId: `fuzz-${method}`, body: SDP })),
    Buffer.from(plain({ method, callId: `fuzz-${method}`, to: '<sip:bob@example.com>;tag=1' })),
  ]),
  Buffer.from(
    plain({
      callId: 'fuzz-auth',
      more: 'Authorization: Digest username="a", realm="b", nonce="c", uri="d", response="e"\nSupported: timer, 100rel\nSession-Expires: 1800;refresher=uac\nMin-SE: 90\nReplaces: a;to-tag=b;from-tag=c\nRAck: 1 2 INVITE\nEvent: talk',
    }),
  ),
];

/** Pieces that parsers stumble over. */
const PIECES = [
  '"',
  '\\',
  '<',
  '>',
  ';',
  ',',
  ':',
  '%',
  '@',
  '=',
  '[',
  ']',
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\n',
  '\u0000',
  'é',
  '9'.repeat(30),
  'Via: ',
  'SIP/2.0',
  ' ',
];

const anyMangled = mangled(CORPUS, PIECES);

describe('mangled messages', () => {
  test('are read or refused, whatever is in them', () => {
    fc.assert(
      fc.property(anyMangled, (bytes) => {
        const text = bytes.toString('utf8');
        const { head } = parseHead(text.split('\r\n\r\n', 1)[0] ?? '');
        const verdict = head === undefined ? 'drop' : checkMessage(head).verdict;
        expect(['accept', 'refuse', 'drop']).toContain(verdict);
      }),
      fuzzing(1000),
    );
  });

  test('do not upset the framing of a stream', () => {
    fc.assert(
      fc.property(
        fc.array(anyMangled, { maxLength: 4 }),
        fc.integer({ min: 1, max: 300 }),
        (parts, size) => {
          const framer = new StreamFramer({ headerBytes: 16_384, bodyBytes: 16_384 });
          const stream = Buffer.concat(parts);
          let taken = 0;
          for (let at = 0; at < stream.length; at += size) {
            for (const event of framer.push(stream.subarray(at, at + size))) {
              if (event.type === 'message') taken += event.head.length + 4 + event.body.length;
            }
          }
          expect(taken).toBeLessThanOrEqual(stream.length);
        },
      ),
      fuzzing(1000),
    );
  });
});

describe('a live user agent', () => {
  let agent: UserAgent;
  let clock: ManualClock;
  let network: MemoryNetwork;
  let failures: string[];

  beforeAll(async () => {
    clock = new ManualClock();
    network = new MemoryNetwork({ clock, delayMs: 0 });
    failures = [];
    const log = (_fields: object, message: string): void => {
      failures.push(message);
    };
    const quiet = (): void => undefined;
    const logger = { error: log, warn: quiet, info: quiet, debug: quiet, child: () => logger };
    agent = await createUserAgent(
      { listen: [{ transport: 'udp', address: '127.0.0.1', port: 5060 }], logger },
      { clock, network: network.host() },
    );
    const account = agent.addAccount({ aor: 'sip:bob@example.com', register: false });
    account.on('incoming', (call) => void call.reject().catch(() => undefined));
  });

  afterAll(async () => {
    await Promise.all([agent.close({ timeoutMs: 10 }), clock.advance(100)]);
  });

  test('takes mangled messages without an error of its own, and answers the next sound one', async () => {
    let answer = '';
    const socket = network.socket({ address: '127.0.0.1', port: 7000 }, (text) => {
      answer = text;
    });
    let serial = 0;
    const send = (data: Buffer): void =>
      socket.send(data, { address: '127.0.0.1', port: 5060 }, () => undefined);
    await fc.assert(
      fc.asyncProperty(anyMangled, async (bytes) => {
        send(bytes);
        await clock.advance(1);
        const callId = `sound-${++serial}`;
        send(Buffer.from(plain({ callId })));
        await clock.advance(1);
        expect(answer).toMatch(/^SIP\/2\.0 200 /);
        expect(answer).toContain(callId);
        expect(failures).toEqual([]);
        network.log.length = 0;
        if (serial % 100 === 0) await clock.advance(70_000);
      }),
      fuzzing(1000),
    );
  });
});
