import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { callStatistics, type CallStatistics } from '@offhook/softphone-guest';
import { z } from 'zod';
import { run } from '../infra/process.ts';
import { digestFields, header, type SipMessage } from '../infra/sip-message.ts';
import { until } from '../infra/wait.ts';
import { readPcapUdp } from '../media/pcap.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { PASSWORD } from '../runner/lane.ts';
import { scenario } from '../runner/scenario.ts';
import { FAR_END_HZ, type Stage } from '../runner/stage.ts';
import { offhook } from './command-line.ts';
import { hangUp, place } from './steps.ts';

const CHALLENGE = 'Digest realm="example.test", nonce="abc123", algorithm=MD5, qop="auth"';

const hookInput = z.looseObject({ event: z.string(), params: z.looseObject({ id: z.string() }) });

/** What the hook of this scenario was given, one JSON object a line. */
async function hooked(stage: Stage): Promise<z.output<typeof hookInput>[]> {
  const text = await readFile(join(stage.directory, 'hooked'), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => hookInput.parse(JSON.parse(line)));
}

function hookOn(event: string, stage: Stage) {
  const file = join(stage.directory, 'hooked');
  // In one write: two that run at once must not mix.
  return { event, command: ['sh', '-c', 'text=$(cat); echo "$text" >> "$0"', file] };
}

export const support = [
  ...scenario({
    id: 'support-trace',
    title: 'A call as support staff get it: ladder, messages, capture, report, and no secret',
    requirements: ['help.trace'],
    async run(stage) {
      const placed = await place(stage, 'uas-auth.xml', { keys: { challenge: CHALLENGE } });
      const { sipp, call } = placed;
      await stage.phone.becomes(call, 'established');
      await hangUp(stage, placed);
      const proof = proofOf(sipp.received('INVITE')[1]);

      const ladder = await offhook(stage, 'trace', call);
      assert.equal(ladder.code, 0, ladder.output);
      for (const rung of ['INVITE', '407', 'ACK', '200', 'BYE']) {
        assert.match(ladder.output, new RegExp(`\\b${rung}\\b`, 'u'));
      }
      const full = await offhook(stage, 'trace', call, '--full');
      assert.match(full.output, /^Proxy-Authorization: Digest /m);
      assert.ok(!full.output.includes(proof), 'the proof of the password is in the trace');

      const capture = join(stage.directory, 'call.pcap');
      assert.equal((await offhook(stage, 'trace', call, '--pcap', capture)).code, 0);
      const captured = readPcapUdp(await readFile(capture)).map(({ payload }) =>
        startLine(Buffer.from(payload).toString('latin1')),
      );
      assert.deepEqual(
        captured.toSorted(),
        sipp
          .messages()
          .map((message) => message.startLine)
          .toSorted(),
      );

      const archive = join(stage.directory, 'report.tar.gz');
      const report = await offhook(stage, 'report', archive);
      assert.equal(report.code, 0, report.output);
      const packed = await unpacked(archive, join(stage.directory, 'report'));
      assert.match(packed, /INVITE sip:/);
      assert.ok(!packed.includes(PASSWORD), 'the password is in the report');
      assert.ok(!packed.includes(proof), 'the proof of the password is in the report');
    },
  }),
  ...scenario({
    id: 'support-statistics',
    title:
      'The statistics file of a call has the loss, the packets and the hold that the far end saw',
    requirements: ['help.statistics'],
    deadline: 45_000,
    async run(stage) {
      // The far end's sound lacks every tenth packet.
      const sound = { toneHz: FAR_END_HZ, loses: 10 };
      const placed = await place(stage, 'uas-hold.xml', { sound });
      const { call, far } = placed;
      await stage.phone.becomes(call, 'established');
      await until('150 packets each way', () => far.played.delivered + far.played.lost >= 150, {
        within: 10_000,
        every: 50,
        signal: stage.signal,
      });
      const live = await statistics(stage, call);
      assert.equal(live.state, 'established');
      assertLoss(live, 10);
      await stage.phone.call('call.hold', { call });
      assert.deepEqual(
        (await statistics(stage, call)).holds.map(({ by, to }) => [by, to]),
        [['local', null]],
      );
      await stage.phone.call('call.resume', { call });
      await hangUp(stage, placed);
      const { delivered, lost } = far.played;

      const past = await statistics(stage, call);
      assert.equal(past.state, 'ended');
      assert.equal(past.end?.by, 'local');
      assert.equal(past.codec, 'PCMA');
      assert.deepEqual(past.remoteMedia, { address: far.address, port: far.port });
      assert.equal(past.sipCallId, header(placed.sipp.messages()[0] ?? fail(), 'call-id'));
      assert.deepEqual(
        past.holds.map(({ by, to }) => [by, to !== null]),
        [['local', true]],
      );
      assertLoss(past, (100 * lost) / (delivered + lost));
      // The far end plays on until SIPp has seen the BYE.
      assertNear(past.received?.packets, delivered, 25);
      assertNear(past.received?.lost, lost, 5);
      assertNear(past.sent?.packets, far.capture.mark, 10);
      const { rFactor, mosLq, mosCq } = past.voipMetrics ?? fail();
      // G.107 with losses at random in G.711; what came too late to be played is lost too.
      const bad = Math.max(past.received?.lossPct ?? 0, past.concealedPct ?? 0);
      const r = 93.2 - (95 * bad) / (bad + 25.1);
      const score = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
      assertNear(rFactor ?? undefined, r, 3);
      assertNear(mosLq ?? undefined, score, 0.01);
      assert.ok(mosCq !== null && mosCq <= score + 0.01, `MOS-CQ ${mosCq}, MOS-LQ ${score}`);
      const files = await readdir(join(stage.guest.stateDir, 'stats'));
      const file = files.find((name) => name.endsWith(`-${call}.json`));
      assert.ok(file !== undefined, `no file of ${call} in ${files.join(', ')}`);
      const path = join(stage.guest.stateDir, 'stats', file);
      assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), past);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    },
  }),
  ...scenario({
    id: 'hooks',
    title: 'Commands are run as a call comes, is taken and ends, one that hangs is ended',
    requirements: ['control.hooks'],
    setting: { phone: 'own' },
    async run(stage) {
      const events = ['call.incoming', 'call.answered', 'call.ended'];
      const hangs = { event: 'call.incoming', command: ['sleep', '60'], timeout: 0.5 };
      const guest = stage.scope.use(
        await GuestProcess.start({
          directory: stage.directory,
          channel: stage.engine.channel,
          accounts: [{ aor: 'sip:alice@example.test', register: false }],
          hooks: [hangs, ...events.map((event) => hookOn(event, stage))],
          signal: stage.signal,
        }),
      );
      await guest.phone.engineConnected();
      const since = guest.phone.eventMark;
      const sipp = await stage.calling('uac-call.xml', {
        remote: { address: '127.0.0.1', port: guest.port },
      });
      const { id } = await guest.phone.rings(since);
      await guest.phone.call('call.answer', { call: id, wait: 5000 });
      await sipp.done();
      const said = await until(
        'three hooks to have run',
        async () => {
          const all = await hooked(stage);
          return all.length >= 3 ? all : undefined;
        },
        { within: 5000, every: 50 },
      );
      assert.deepEqual(
        said.map(({ event, params }) => `${event} ${params.id}`),
        events.map((event) => `${event} ${id}`),
      );
    },
  }),
];

async function statistics(stage: Stage, call: string): Promise<CallStatistics> {
  const { code, output } = await offhook(stage, 'stats', call, '--json');
  assert.equal(code, 0, output);
  return callStatistics.parse(JSON.parse(output));
}

function assertLoss({ received, voipMetrics }: CallStatistics, percent: number): void {
  assertNear(received?.lossPct, percent, 1.5);
  assert.equal(voipMetrics?.lossRate, received?.lossPct);
}

function assertNear(value: number | undefined, expected: number, tolerance: number): void {
  const near = value !== undefined && Math.abs(value - expected) <= tolerance;
  assert.ok(near, `${value} in place of ${expected} ± ${tolerance}`);
}

function fail(): never {
  assert.fail('there is none');
}

/** All files of the archive, one after another. */
async function unpacked(archive: string, folder: string): Promise<string> {
  await mkdir(folder);
  await run('tar', ['-xzf', archive, '-C', folder], { within: 10_000 });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

function startLine(message: string): string {
  return message.slice(0, message.indexOf('\r\n'));
}

function proofOf(message: SipMessage | undefined): string {
  assert.ok(message !== undefined, 'no second INVITE');
  const { response } = digestFields(header(message, 'proxy-authorization') ?? '');
  assert.ok(response !== undefined && response !== '', 'no proof');
  return response;
}
