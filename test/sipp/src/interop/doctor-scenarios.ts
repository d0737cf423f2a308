import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ASTERISK_PASSWORD } from '../infra/asterisk.ts';
import { freePort } from '../infra/ports.ts';
import { until } from '../infra/wait.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { Stage } from '../runner/stage.ts';
import { sharedAsterisk } from './peers.ts';
import { withAsterisk } from './with-asterisk.ts';

const USER = 'alice-setup';

interface Broken {
  readonly channel?: string;
  readonly registrar?: string;
  readonly password?: string;
}

/** A phone at Asterisk with something wrong about it. */
async function phone(stage: Stage, name: string, broken: Broken = {}): Promise<GuestProcess> {
  const { address, port } = await sharedAsterisk();
  const directory = join(stage.directory, name);
  await mkdir(directory, { recursive: true });
  const aor = `sip:${USER}@${address}`;
  const guest = stage.scope.use(
    await GuestProcess.start({
      directory,
      channel: broken.channel ?? stage.engine.channel,
      addresses: ['127.0.0.1'],
      accounts: [
        {
          aor,
          username: USER,
          registrar: broken.registrar ?? `sip:${address}:${port}`,
          password: broken.password ?? ASTERISK_PASSWORD,
        },
      ],
      signal: stage.signal,
    }),
  );
  const wrong = broken.registrar ?? broken.password;
  await guest.phone.registration(aor, wrong === undefined ? 'registered' : 'failed', 15_000);
  return guest;
}

interface Said {
  readonly all: string;
  /** `layer level` of whatever is not well. */
  readonly bad: readonly string[];
}

async function doctor({ phone: line }: GuestProcess, call?: string): Promise<Said> {
  const { checks } = await line.call('doctor.run', call === undefined ? {} : { call }, 60_000);
  return {
    all: checks.map(({ layer, level, message }) => `${level} ${layer}: ${message}`).join('\n'),
    // The location for emergency calls is nobody's here.
    bad: checks
      .filter(({ level, message }) => level !== 'ok' && !message.includes('location'))
      .map(({ layer, level, remedy }) => `${layer} ${level}: ${remedy}`),
  };
}

export const doctorScenarios = [
  ...withAsterisk({
    id: 'doctor',
    title: 'Doctor calls the echo of Asterisk, and names the layer that is broken',
    requirements: ['cli.doctor'],
    deadline: 90_000,
    async run(stage) {
      const { address, port } = await sharedAsterisk();
      const number = (digits: string) => `sip:${digits}@${address}:${port}`;

      const well = await phone(stage, 'well');
      await well.phone.engineConnected();
      const { all, bad } = await doctor(well, number('600'));
      assert.deepEqual(bad, [], all);
      assert.match(all, /^ok nat: .* sees us where we are, at udp 127\.0\.0\.1:\d+$/m);
      assert.match(
        all,
        /^ok media: sent \d+ packets from \S+ to \S+, where all but 0\.0 % arrives$/m,
      );
      assert.match(all, /^ok media: received \d+ packets/m);
      assert.deepEqual(await well.phone.calls(), []);

      const busy = await doctor(well, number('604'));
      assert.match(busy.bad.join('\n'), /^call fail: name somebody who answers/);
      assert.match(busy.all, /^fail call: .*604.*: busy \(SIP 486\)$/m);
      await well.stop();

      const nobody = `sip:${address}:${await freePort()}`;
      const away = await doctor(await phone(stage, 'away', { registrar: nobody }));
      assert.match(away.bad.join('\n'), /^registrar fail: check `registrar` of the account/);

      const wrong = await doctor(await phone(stage, 'wrong', { password: 'mistaken' }));
      assert.match(wrong.bad.join('\n'), /^registrar fail: check username and password/);

      const channel = `unix:${join(stage.directory, 'nobody.sock')}`;
      const alone = await phone(stage, 'alone', { channel });
      const deaf = await until(
        'the channel to have been tried',
        async () => {
          const said = await doctor(alone, number('600'));
          return said.bad[0]?.startsWith('channel fail') === true ? said : undefined;
        },
        { within: 5000, every: 200 },
      );
      // Without an engine there is no call either.
      assert.deepEqual(
        deaf.bad.map((line) => line.split(':')[0]),
        ['channel fail', 'call fail'],
      );
    },
  }),
];
