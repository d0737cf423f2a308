import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransportName, UserAgent } from '../../src/api.ts';
import { StreamFramer } from '../../src/transport/framer.ts';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { until } from '../transport/support/events.ts';
import { plain, type TortureCase } from './case.ts';
import { INVALID } from './rfc4475-invalid.ts';
import { SEMANTICS } from './rfc4475-semantics.ts';
import { VALID } from './rfc4475-valid.ts';
import { IPV6 } from './rfc5118.ts';

/** One for each transport: the same request over another one is the same transaction. */
const agents = new Map<TransportName, UserAgent>();
let serial = 0;

beforeAll(async () => {
  for (const transport of ['udp', 'tcp'] as const) {
    const agent = await createUserAgent({
      listen: [{ transport, address: '127.0.0.1', port: 0 }],
    });
    const account = agent.addAccount({ aor: 'sip:bob@example.com', register: false });
    account.on('incoming', (call) => void call.reject());
    agents.set(transport, agent);
  }
});

afterAll(async () => {
  await Promise.all([...agents.values()].map((agent) => agent.close({ timeoutMs: 100 })));
});

function port(transport: TransportName): number {
  return agents.get(transport)?.listening[0]?.port ?? 0;
}

/** The final statuses that came before that of the sound OPTIONS. */
function finals(answers: readonly string[], sound: string): number[] {
  const statuses = answers.flatMap((text) => {
    const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1]);
    return status >= 200 && !text.includes(sound) ? [status] : [];
  });
  return statuses;
}

/** Sends one message and then a sound OPTIONS, which must be answered. */
async function overUdp(message: string | Buffer): Promise<number[]> {
  const answers: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (data) => answers.push(data.toString('utf8')));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const callId = `sound-${++serial}`;
  socket.send(message, port('udp'), '127.0.0.1');
  socket.send(plain({ callId }), port('udp'), '127.0.0.1');
  try {
    await until(() => answers.some((text) => isOk(text, callId)), 'the answer to the OPTIONS');
  } finally {
    socket.close();
  }
  return finals(answers, callId);
}

/** Sends messages over a connection of their own until the last is answered or it is closed. */
async function converse(messages: readonly (string | Buffer)[], callId: string): Promise<string[]> {
  const answers: string[] = [];
  const framer = new StreamFramer({ headerBytes: 65_536, bodyBytes: 65_536 });
  let closed = false;
  const socket = connect(port('tcp'), '127.0.0.1');
  socket.on('data', (data) => {
    for (const event of framer.push(data)) {
      if (event.type === 'message') answers.push(Buffer.from(event.head).toString('utf8'));
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  for (const message of messages) socket.write(message);
  await until(() => closed || answers.some((text) => isOk(text, callId)), 'the end of it');
  socket.destroy();
  return answers;
}

/** The same over TCP, where the OPTIONS goes over another connection if the first was closed. */
async function overTcp(message: string | Buffer): Promise<number[]> {
  const callId = `sound-${++serial}`;
  const answers = await converse([message, plain({ callId })], callId);
  const again = `again-${serial}`;
  expect(finals(await converse([plain({ callId: again })], again), callId)).toEqual([200]);
  return finals(answers, callId);
}

function isOk(text: string, callId: string): boolean {
  return text.startsWith('SIP/2.0 200') && text.includes(`Call-ID: ${callId}\r\n`);
}

const UNSOUND = [400, 500, 505];

/** `right`, or what came instead. */
function judge({ expect: wanted }: TortureCase, statuses: readonly number[]): string {
  const [status] = statuses;
  const right =
    wanted === 'silence'
      ? status === undefined
      : status !== undefined &&
        statuses.length === 1 &&
        (wanted === 'handled' ? !UNSOUND.includes(status) : wanted.includes(status));
  return right ? 'right' : `answered ${statuses.join(', ') || 'nothing'}, not ${String(wanted)}`;
}

describe.each([
  ['unusual but right', VALID],
  ['against the grammar', INVALID],
  ['strange in what it says', SEMANTICS],
  ['of IPv6', IPV6],
])('%s', (_title, cases) => {
  const named = cases.map((one) => ({ ...one, name: `${one.section} ${one.about}` }));

  test.each(named.filter(({ over }) => over !== 'tcp'))('$name, over UDP', async (one) => {
    expect(judge(one, await overUdp(one.message))).toBe('right');
  });

  test.each(named.filter(({ over }) => over !== 'udp'))('$name, over TCP', async (one) => {
    expect(judge(one, await overTcp(one.message))).toBe('right');
  });
});
