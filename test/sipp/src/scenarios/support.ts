import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { run } from '../infra/process.ts';
import { digestFields, header, type SipMessage } from '../infra/sip-message.ts';
import { until } from '../infra/wait.ts';
import { readPcapUdp } from '../media/pcap.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import { PASSWORD } from '../runner/lane.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
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
      const packed = await run('tar', ['-xzOf', archive], { within: 10_000 });
      assert.match(packed, /INVITE sip:/);
      assert.ok(!packed.includes(PASSWORD), 'the password is in the report');
      assert.ok(!packed.includes(proof), 'the proof of the password is in the report');
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

function startLine(message: string): string {
  return message.slice(0, message.indexOf('\r\n'));
}

function proofOf(message: SipMessage | undefined): string {
  assert.ok(message !== undefined, 'no second INVITE');
  const { response } = digestFields(header(message, 'proxy-authorization') ?? '');
  assert.ok(response !== undefined && response !== '', 'no proof');
  return response;
}
