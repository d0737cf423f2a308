import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ManagedProcess } from '@offhook/test-sipp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AMI_SECRET } from '../src/asterisk.ts';
import { asteriskRig, type AsteriskRig } from '../src/asterisk-rig.ts';
import { shipped } from '../../../common/test/shipped.ts';

const MAIN = shipped('offhook-cti');
const TOKEN = 'a-token-of-the-tests';

let rig: AsteriskRig;
let directory: string;
let config: string;
let url: string;
let bridge: ManagedProcess;

beforeAll(async () => {
  rig = await asteriskRig({ remoteControl: true });
  directory = await mkdtemp(join(tmpdir(), 'offhook-cti-cli-'));
  config = join(directory, 'config.toml');
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  await writeFile(join(directory, 'secret'), `${AMI_SECRET}\n`, { mode: 0o600 });
  await writeFile(
    config,
    `[listen]
port = ${port}
[[pbx]]
kind = "asterisk"
name = "office"
port = ${rig.asterisk.amiPort}
username = "offhook"
secret_file = "${join(directory, 'secret')}"
context = "phones"
remote_control = ["*"]
[[token]]
name = "tests"
sha256 = "${createHash('sha256').update(TOKEN).digest('hex')}"
devices = ["alice", "bob"]
scopes = ["monitor", "control"]
[log]
audit_file = "${join(directory, 'audit.log')}"
`,
  );
  bridge = command('run');
  await bridge.ready(/^ready$/m, { within: 40_000 });
  await bridge.ready(/connected with the PBX/, { within: 40_000 });
});

afterAll(async () => {
  await bridge.stop();
  await rig.close();
  await rm(directory, { recursive: true, force: true });
});

function command(...args: string[]): ManagedProcess {
  return new ManagedProcess({
    name: 'offhook-cti',
    command: process.execPath,
    args: [MAIN, '--config', config, '--url', url, ...args],
    env: { OFFHOOK_CTI_TOKEN: TOKEN },
  });
}

async function ended(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = command(...args);
  const { code } = await child.exited;
  return { code, output: child.output };
}

describe('the command line', () => {
  it('checks the configuration and the PBX', async () => {
    expect(await ended('doctor')).toEqual({
      code: 0,
      output: expect.stringMatching(
        /✓ tokens: 1 in the file\n✓ office: 127\.0\.0\.1:\d+ answers\n/,
      ),
    });
  });

  it('lists the devices that the token is for', async () => {
    const { code, output } = await ended('devices', '--json');
    expect(code).toBe(0);
    expect((JSON.parse(output) as { id: string }[]).map(({ id }) => id)).toEqual(['alice', 'bob']);
  });

  it('makes a call, shows it and ends it', async () => {
    const made = await ended('dial', 'alice', 'bob', '--json');
    expect(made.code).toBe(0);
    const { call } = JSON.parse(made.output) as { call: string };
    rig.phones.bob.answer(await rig.phones.bob.leg('ringing'));
    await rig.phones.bob.leg('up');
    expect((await ended('calls')).output).toContain(`${call}\n  alice`);
    expect((await ended('request', 'clearCall', `call=${call}`)).code).toBe(0);
    await rig.phones.alice.idle();
    await rig.phones.bob.idle();
  });

  it.each([
    [['dial', 'carol', '600'], 1, 'the token of tests is not for carol'],
    [['dial', 'alice', '6;0'], 2, 'must be 1 to 64 of letters'],
    [['request', 'answerCall', 'connection=office:1'], 4, 'there is no connection office:1'],
    [['request', 'nothing'], 2, 'there is no such service'],
    [['--url', 'http://127.0.0.1:1', 'devices'], 3, 'nothing answers'],
  ])('offhook-cti %j exits with %i', async (args, code, text) => {
    const result = await ended(...args);
    expect(result).toEqual({ code, output: expect.stringContaining(text) });
    expect(result.output).not.toContain('    at ');
  });
});
