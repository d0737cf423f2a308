import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { parseSip, type SipMessage } from '../infra/sip-message.ts';
import { until, WaitError } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { endedByPeer, place, hangUp, receive } from './steps.ts';
import { torture, type Torture } from './torture-messages.ts';

interface Line {
  readonly via: string;
  send(text: string): Promise<void>;
  readonly received: readonly SipMessage[];
}

/** What `endure` is given as ids. */
const ANY_ID = /\d+x[a-z0-9]{6,}/;
/** How long a message that need not be answered is waited for. */
const SILENCE_MS = 250;

export const tortures = [
  ...scenario({
    id: 'torture',
    title: 'Strange and broken messages, while a call is up; then a good call',
    requirements: ['uas.torture'],
    over: ['udp', 'tcp'],
    deadline: 60_000,
    async run(stage) {
      const standing = await place(stage, 'uas-answer.xml', { name: 'standing' });
      await stage.phone.becomes(standing.call, 'established');
      const faults: string[] = [];
      let line = await open(stage);
      for (const [index, one] of torture.entries()) {
        const fault = await endure(stage, line, one, `${index}x${Date.now().toString(36)}`);
        if (fault !== undefined) faults.push(`${one.name}: ${fault}`);
        if (one.breaksStream === true) line = await open(stage);
      }
      assert.deepEqual(faults, []);
      assert.equal((await stage.phone.get(standing.call)).state, 'established');
      await standing.far.hears(440, { mark: standing.far.capture.mark, signal: stage.signal });
      const good = await receive(stage, 'uac-call.xml', { pauses: 300 });
      await endedByPeer(stage, good);
      await hangUp(stage, standing);
    },
  }),
  ...scenario({
    id: 'tcp-fragments',
    title: 'Messages in single bytes, and several in one piece',
    requirements: ['net.framing'],
    over: ['tcp', 'tcp6'],
    async run(stage) {
      const line = await open(stage);
      const options = torture.find(({ name }) => name === 'Max-Forwards of 0');
      assert.ok(options !== undefined);
      const run = randomBytes(4).toString('hex');
      const one = (id: string) => fill(options.text, stage, line.via, `${id}x${run}`);
      // Keep-alives between messages (RFC 5626 §3.5.1) count as nothing.
      await line.send(`\r\n\r\n${one('p1')}${one('p2')}\r\n\r\n\r\n\r\n${one('p3')}`);
      await answers(line, 3);
      for (const byte of one('p4')) await line.send(byte);
      await answers(line, 4);
    },
  }),
];

async function answers(line: Line, count: number): Promise<void> {
  await until(
    `${count} answers`,
    () => line.received.filter(({ status }) => status === 200).length >= count,
    { within: 5000, seen: () => line.received.map(({ status }) => status).join(', ') },
  );
}

/** Sends it, and says what is wrong with the reaction. */
async function endure(
  stage: Stage,
  line: Line,
  { text, expect, breaksStream }: Torture,
  id: string,
): Promise<string | undefined> {
  const before = line.received.length;
  await line.send(fill(text, stage, line.via, id));
  // Refusals of earlier INVITEs are repeated meanwhile, as nobody acknowledges them.
  const wanted = text.includes('{ID}') ? [id] : [];
  const final = () =>
    line.received.slice(before).find((one) => one.status >= 200 && concerns(one, wanted));
  const patient = typeof expect !== 'string';
  const answer = await until('an answer', final, {
    within: patient ? 3000 : SILENCE_MS,
    signal: stage.signal,
  }).catch((error: unknown) => {
    if (error instanceof WaitError) return undefined;
    throw error;
  });
  if (expect === 'anything') return undefined;
  // Over TCP the rest may still be on its way.
  if (stage.network.transport === 'tcp' && breaksStream === true) return undefined;
  if (expect === 'silence') return answer === undefined ? undefined : `answered ${answer.status}`;
  if (answer === undefined) return `no answer instead of ${expect.join(' or ')}`;
  return expect.includes(answer.status)
    ? undefined
    : `answered ${answer.startLine} instead of ${expect.join(' or ')}`;
}

/** It carries that id; without one, it must not carry any. */
function concerns({ headers }: SipMessage, [id]: readonly string[]): boolean {
  const text = [...headers.values()].flat().join(' ');
  return id === undefined ? !ANY_ID.test(text) : text.includes(id);
}

function fill(text: string, stage: Stage, via: string, id: string): string {
  const { address, transport } = stage.network;
  const host = address.includes(':') ? `[${address}]` : address;
  return text
    .replaceAll('{PHONE}', `${host}:${stage.guest.port}`)
    .replaceAll('{VIA}', via)
    .replaceAll('{TRANSPORT}', transport.toUpperCase())
    .replaceAll('{ID}', id)
    .replaceAll(/\r?\n/g, '\r\n');
}

function open(stage: Stage): Promise<Line> {
  return stage.network.transport === 'udp' ? openUdp(stage) : openTcp(stage);
}

async function openUdp(stage: Stage): Promise<Line> {
  const { address } = stage.network;
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  stage.scope.defer(() => void socket.close());
  const received: SipMessage[] = [];
  socket.on('message', (bytes) => received.push(parseSip(bytes.toString('latin1'))));
  return {
    via: `${address}:${socket.address().port}`,
    received,
    send: (text) =>
      new Promise((resolve, reject) =>
        socket.send(Buffer.from(text, 'latin1'), stage.guest.port, address, (error) =>
          error === null ? resolve() : reject(error),
        ),
      ),
  };
}

async function openTcp(stage: Stage): Promise<Line> {
  const { address } = stage.network;
  const socket = connect({ port: stage.guest.port, host: address, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  stage.scope.defer(() => void socket.destroy());
  const host = address.includes(':') ? `[${address}]` : address;
  const received = collect(socket);
  return {
    via: `${host}:${socket.localPort}`,
    received,
    // A connection that the phone has closed is its good right here.
    send: (text) =>
      new Promise((resolve) => socket.write(Buffer.from(text, 'latin1'), () => resolve())),
  };
}

/** Answers have no body, so that each ends at its empty line. */
function collect(socket: Socket): SipMessage[] {
  const received: SipMessage[] = [];
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end).trimStart();
      if (head !== '') received.push(parseSip(`${head}\r\n\r\n`));
      text = text.slice(end + 4);
    }
  });
  return received;
}
