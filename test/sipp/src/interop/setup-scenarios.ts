import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ASTERISK_PASSWORD } from '../infra/asterisk.ts';
import { ManagedProcess } from '../infra/process.ts';
import { guestProgram } from '../phone/programs.ts';
import type { Stage } from '../runner/stage.ts';
import { sharedAsterisk, sharedAuthority } from './peers.ts';
import { withAsterisk } from './with-asterisk.ts';

const USER = 'alice-setup';

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly config: string;
}

/** `offhook setup` for a phone of Asterisk's. */
async function setup(stage: Stage, password: string, server: string): Promise<Ran> {
  const asterisk = await sharedAsterisk();
  const config = join(stage.directory, 'setup', 'config.toml');
  const passwordFile = join(stage.directory, 'given');
  await writeFile(passwordFile, `${password}\n`);
  const program = guestProgram([
    'setup',
    '--config',
    config,
    '--address',
    `${USER}@${asterisk.address}`,
    '--password-file',
    passwordFile,
    '--server',
    server,
    '--ca',
    (await sharedAuthority()).certificate,
  ]);
  const process = stage.scope.use(new ManagedProcess({ name: 'offhook setup', ...program }));
  const { code } = await process.exited;
  return { code, output: process.output, config };
}

export const setupScenarios = [
  ...withAsterisk({
    id: 'setup-tls',
    title: 'Set-up finds Asterisk over TLS, and calls itself',
    requirements: ['cli.setup'],
    deadline: 60_000,
    async run(stage) {
      const { address, tlsPort } = await sharedAsterisk();
      const ran = await setup(stage, ASTERISK_PASSWORD, `${address}:${tlsPort}`);
      assert.equal(ran.code, 0, ran.output);
      assert.match(ran.output, /^TLS: registered$/m);
      assert.match(ran.output, /a call to yourself: arrives/);
      const text = await readFile(ran.config, 'utf8');
      assert.match(
        text,
        new RegExp(`^outbound_proxy = "sip:.*:${tlsPort};transport=tls;lr"$`, 'm'),
      );
      assert.ok(!text.includes(ASTERISK_PASSWORD));
      assert.equal((await stat(join(stage.directory, 'setup', 'password'))).mode & 0o077, 0);
    },
  }),
  ...withAsterisk({
    id: 'setup-falls-back',
    title: 'Set-up goes on to what DNS says where TLS does not answer',
    requirements: ['cli.setup'],
    deadline: 60_000,
    async run(stage) {
      const { address, port } = await sharedAsterisk();
      const ran = await setup(stage, ASTERISK_PASSWORD, `${address}:${port}`);
      assert.equal(ran.code, 0, ran.output);
      assert.match(ran.output, /^TLS: (?!registered)/m);
      assert.match(ran.output, /^as DNS says: registered$/m);
    },
  }),
  ...withAsterisk({
    id: 'setup-wrong-password',
    title: 'Set-up stops at a wrong password, and writes nothing',
    requirements: ['cli.setup'],
    deadline: 60_000,
    async run(stage) {
      const { address, port } = await sharedAsterisk();
      const ran = await setup(stage, 'wrong', `sip:${address}:${port};transport=udp;lr`);
      assert.equal(ran.code, 1, ran.output);
      assert.match(ran.output, /check address, user name and password/);
      assert.ok(!existsSync(ran.config));
    },
  }),
];
