import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTone } from '@offhook/common/audio';
import { ASTERISK_PASSWORD } from '../infra/asterisk.ts';
import { ManagedProcess } from '../infra/process.ts';
import { until } from '../infra/wait.ts';
import { guestProgram } from '../phone/programs.ts';
import type { Stage } from '../runner/stage.ts';
import { exchange } from './exchange.ts';
import { withAsterisk } from './with-asterisk.ts';

const NUMBER = '6019';
const MICROPHONE_HZ = 440;

export const accountScenarios = withAsterisk({
  id: 'account-run-time',
  title: 'A line is added, and removed, while another one talks: not a word is lost',
  requirements: ['reg.run-time'],
  deadline: 60_000,
  async run(stage) {
    const { asterisk, guest, aor } = await exchange(stage, { 'alice-added': {} });
    const { id } = await guest.phone.dial(NUMBER);
    await guest.phone.becomes(id, 'established');
    await stage.engine.plays(1004, { signal: stage.signal });

    const server = `sip:${asterisk.address}:${asterisk.port};transport=udp;lr`;
    const given = ['--password-file', await passwordFile(stage), '--server', server];
    const added = await offhook(stage, ['account', 'add', aor('bob-added'), ...given]);
    assert.equal(added.code, 0, added.output);
    assert.match(added.output, /added sip:bob-added@/);
    await guest.reconnect();
    await guest.phone.registration(aor('bob-added'), 'registered');
    assert.equal((await asterisk.contacts('bob-added')).length, 1);
    await guest.phone.becomes(id, 'established');
    const mark = await stage.engine.mark();
    await stage.engine.plays(1004, { mark, signal: stage.signal });

    const busy = await offhook(stage, ['account', 'remove', 'alice-added']);
    assert.equal(busy.code, 1, busy.output);
    assert.match(busy.output, /alice-added.* is to go, and has the call/);

    const removed = await offhook(stage, ['account', 'remove', 'bob-added']);
    assert.equal(removed.code, 0, removed.output);
    await guest.reconnect();
    await until(
      'Asterisk to forget the line',
      async () => (await asterisk.contacts('bob-added')).length === 0,
      { within: 6000, every: 100 },
    );
    await guest.phone.hangup(id);
    await guest.phone.becomes(id, 'ended');
    const heard = findTone(await asterisk.heard(NUMBER), MICROPHONE_HZ);
    assert.ok(heard.presentMs > 1000, `Asterisk heard ${heard.presentMs} ms`);
    assert.equal(heard.longestGapMs, 0);
  },
});

async function passwordFile(stage: Stage): Promise<string> {
  const file = join(stage.directory, 'given');
  await writeFile(file, `${ASTERISK_PASSWORD}\n`);
  return file;
}

/** The command line, with the configuration of the phone that runs. */
async function offhook(stage: Stage, words: readonly string[]) {
  const at = ['--config', join(stage.directory, 'guest.toml')];
  const program = guestProgram([...words, ...at, '--state-dir', join(stage.directory, 'guest')]);
  const process = stage.scope.use(new ManagedProcess({ name: `offhook ${words[1]}`, ...program }));
  const { code } = await process.exited;
  return { code, output: process.output };
}
