import assert from 'node:assert/strict';
import { z } from 'zod';
import { ManagedProcess } from '../infra/process.ts';
import { until } from '../infra/wait.ts';
import { guestProgram } from '../phone/programs.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { soundBothWays } from './steps.ts';

const listing = z.object({
  calls: z.array(
    z.looseObject({
      id: z.string(),
      account: z.string(),
      direction: z.enum(['outgoing', 'incoming']),
      state: z.string(),
      remote: z.string(),
      startedAt: z.string(),
      held: z.boolean(),
      muted: z.boolean(),
      media: z.looseObject({
        codec: z.string().nullable(),
        txPackets: z.number(),
        rxPackets: z.number(),
        lossPct: z.number(),
        jitterMs: z.number(),
        rttMs: z.number().nullable(),
        mos: z.number().nullable(),
      }),
    }),
  ),
});

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** The command line, for the phone of the scenario. */
export async function offhook(stage: Stage, ...args: readonly string[]): Promise<Ran> {
  const program = guestProgram([...args, '--state-dir', stage.guest.stateDir]);
  const process = stage.scope.use(new ManagedProcess({ name: `offhook ${args[0]}`, ...program }));
  const { code } = await process.exited;
  return { code, output: process.output };
}

export const commandLine = [
  ...scenario({
    id: 'cli-call',
    title: 'A script dials, looks, mutes, holds and hangs up',
    requirements: ['cli.calls'],
    async run(stage) {
      const far = await stage.media();
      await stage.engine.forgetPlayed();
      const sipp = await stage.answering('uas-hold.xml', { media: far, extra: ['-d', '50'] });
      const dialled = await offhook(
        stage,
        'dial',
        sipp.uri(),
        '--account',
        'alice',
        '--wait',
        '5',
        '--json',
      );
      assert.equal(dialled.code, 0, dialled.output);
      const list = async () => {
        const { code, output } = await offhook(stage, 'calls', '--json');
        assert.equal(code, 0, output);
        return listing.parse(JSON.parse(output)).calls;
      };
      const [call] = await list();
      assert.ok(call !== undefined);
      assert.equal(call.state, 'established');
      assert.equal(call.direction, 'outgoing');
      await soundBothWays(stage, { sipp, call: call.id, far });
      assert.equal((await offhook(stage, 'mute')).code, 0);
      await until('the microphone to be muted', async () => !far.hearsNow(440), { within: 3000 });
      assert.equal((await offhook(stage, 'unmute')).code, 0);
      await far.hears(440, { mark: far.capture.mark, signal: stage.signal });
      assert.equal((await offhook(stage, 'hold')).code, 0);
      assert.equal((await list())[0]?.held, true);
      assert.equal((await offhook(stage, 'resume')).code, 0);
      assert.equal((await offhook(stage, 'hangup')).code, 0);
      await sipp.done();
      assert.deepEqual(await list(), []);
    },
  }),
  ...scenario({
    id: 'cli-exit-codes',
    title: 'Exit codes: no such call, bad target, no answer in time',
    requirements: ['cli.calls'],
    async run(stage) {
      assert.equal((await offhook(stage, 'hangup', 'nonesuch')).code, 4);
      assert.equal((await offhook(stage, 'dial', 'sip:a b@c')).code, 2);
      const sipp = await stage.answering('uas-cancel.xml', { extra: ['-d', '50'] });
      const late = await offhook(stage, 'dial', sipp.uri(), '--account', 'alice', '--wait', '1');
      assert.equal(late.code, 5, late.output);
      assert.equal((await offhook(stage, 'hangup', '--all')).code, 0);
      await sipp.done();
    },
  }),
];
