import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goertzel } from '@offhook/common/audio';
import { Pulse, run, Scope, seeded, until } from '@offhook/test-sipp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addressOf, openOffice, VOICES, type Office, type Person } from '../src/office.ts';

/** Junk comes at the screen from every side while alice talks to carol; nothing of it ends the call. */

const scope = new Scope();
const JUNK = 100_000;
const AUDIBLE_DB = -40;

let office: Office;
let pulse: Pulse;
let headset: string;
let hanging: string;
let call: string;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-tour-bad-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  pulse = scope.use(await Pulse.start(directory, ['speaker']));
  headset = await pulse.plug('null-sink', 'sink_name=headset');
  hanging = join(directory, 'hook-runs');
  const hook = {
    event: 'call.answered',
    command: ['sh', '-c', `touch ${hanging}; exec sleep 300`],
    timeout: 300,
  };
  office = scope.use(
    await openOffice(
      { columns: 100, rows: 28 },
      { sound: pulse, audio: { output: 'pulse:headset' }, hooks: [hook] },
    ),
  );
  const { screen, carol, alice } = office;
  await screen.shows(/\* alice@example\.com registered/);
  await carol.phone.dial(addressOf('alice'));
  await screen.shows(/INCOMING CALL/);
  await screen.type('a');
  await screen.shows(/> talking/);
  call = (await alice.phone.calls())[0]?.id ?? '';
});

afterAll(async () => {
  await scope.close();
});

/** The call, once the screen has shown that it takes keys. */
async function callAfterKeys(): Promise<unknown> {
  const { screen, alice } = office;
  await screen.type('?');
  await screen.shows(/any key closes this/);
  await screen.press('Space');
  await screen.shows(/talking/);
  return alice.phone.get(call);
}

const TALKING = { state: 'established', held: false };

async function hears(listener: Person, speaker: Person): Promise<void> {
  const { engine } = office[listener];
  const since = await engine.mark();
  await until(
    `${listener} to hear ${speaker}`,
    async () => {
      const { samples, sampleRate } = await engine.played(since);
      const now = samples.subarray(-Math.round(0.3 * sampleRate));
      return now.length > 0 && goertzel(now, VOICES[speaker], sampleRate) > AUDIBLE_DB;
    },
    { within: 8000, every: 100 },
  );
}

/** Characters of every kind, control characters and escape sequences among them. */
function junk(): string {
  const random = seeded(7);
  const kinds = [
    '\u001b[31m',
    '\u001b]0;x\u0007',
    '\t',
    '\u0000',
    'é',
    '👩‍👩‍👧',
    '\u202e',
    'x',
    'q',
    '9',
  ];
  let text = '';
  while (text.length < JUNK) {
    text += kinds[Math.floor(random() * kinds.length)] ?? '';
    if (random() < 0.01) text += '\n';
  }
  return text;
}

it('a hook that hangs holds nothing up', async () => {
  await until('the hook to run', () => existsSync(hanging), { within: 5000 });
  await hears('carol', 'alice');
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('100 kB of junk are pasted into the dial field', async () => {
  const { screen } = office;
  await screen.type('d');
  await screen.shows(/Dial: /);
  await screen.paste(junk());
  // The end of what the field takes.
  await screen.shows(/^….*x/m);
  await screen.press('Escape');
  await screen.loses(/^…/m);
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('the same at a terminal that does not say that it is pasted', async () => {
  const { screen } = office;
  await screen.type('d');
  await screen.shows(/Dial: /);
  await screen.pasteRaw('Qx9-'.repeat(JUNK / 4));
  await screen.shows(/^….*(Qx9-){5}/m);
  await screen.press('Escape');
  await screen.loses(/^…/m);
  // Nobody can have typed that: they are no keys.
  await screen.pasteRaw('Qx9-'.repeat(50));
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('a NOTIFY of the wrong type comes, and one that is none', async () => {
  const { alice } = office;
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const answers: string[] = [];
    socket.on('message', (bytes) => answers.push(bytes.toString('latin1').slice(0, 12)));
    const { port } = socket.address();
    const notify = (branch: string, headers: readonly string[], body: string) =>
      socket.send(
        [
          `NOTIFY ${addressOf('alice')} SIP/2.0`,
          `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${branch}`,
          'Max-Forwards: 70',
          `From: <sip:pbx@127.0.0.1>;tag=${branch}`,
          `To: <${addressOf('alice')}>`,
          `Call-ID: ${branch}`,
          'CSeq: 1 NOTIFY',
          `Contact: <sip:pbx@127.0.0.1:${port}>`,
          'Subscription-State: active',
          ...headers,
          `Content-Length: ${body.length}`,
          '',
          body,
        ].join('\r\n'),
        alice.guest.port,
        '127.0.0.1',
      );
    notify(
      'one',
      ['Event: message-summary', 'Content-Type: image/png'],
      '\u0089PNG\r\n'.repeat(500),
    );
    notify('two', ['Event: dialog', 'Content-Type: application/dialog-info+xml'], '<a'.repeat(500));
    notify('three', ['Event: \u0001'], '');
    await until('each to be answered', () => answers.length >= 3, {
      within: 5000,
      seen: () => answers.join(', '),
    });
    for (const answer of answers) expect(answer).toMatch(/^SIP\/2\.0 [2-6]\d\d/);
  } finally {
    socket.close();
  }
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('the loudspeaker is pulled out in the middle of the call', async () => {
  const { alice } = office;
  await pulse.control('unload-module', headset);
  await until(
    'the engine to know',
    async () => {
      const { devices } = await alice.phone.call('devices.list', {});
      return devices.every(({ id, present }) => id !== 'pulse:headset' || !present);
    },
    { within: 8000, every: 100 },
  );
  await hears('carol', 'alice');
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('the terminal has any size', async () => {
  const { screen } = office;
  for (const [columns, rows] of [
    [40, 12],
    [10, 3],
    [2, 1],
    [200, 60],
    [81, 5],
  ] as const)
    await screen.resize(columns, rows);
  await screen.resize(60, 20);
  await screen.shows(/smaller than 80×24/);
  await screen.resize(100, 28);
  await screen.loses(/smaller than/);
  expect(await callAfterKeys()).toMatchObject(TALKING);
});

it('a party of the conference vanishes, with phone and thin client', async () => {
  const { screen, dave } = office;
  await screen.type('ddave');
  await screen.shows(/Dial: dave/);
  await screen.press('Enter');
  const { id } = await until(
    'a call to ring',
    async () => (await dave.phone.calls()).find(({ state }) => state === 'incoming'),
    { within: 6000 },
  );
  await dave.phone.call('call.answer', { call: id, wait: 8000 });
  await screen.shows(/> talking.*<dave>/);
  await screen.type('b');
  await screen.shows(/Carol.*\[in conference\]\n.*Dave.*\[in conference\]/);
  await hears('carol', 'dave');
  // The thin client first: it would say goodbye for a phone that is gone. Its worker would play on.
  const worker = await run('pgrep', ['-f', join(dave.engine.stateDir, 'worker.sock')], {
    within: 2000,
  });
  dave.engine.process.killNow();
  process.kill(Number(worker.trim()), 'SIGKILL');
  dave.guest.process.killNow();
  await screen.shows(/Dave.*no audio for \d+ s/, 15_000);
  await hears('carol', 'alice');
  await screen.press('Down');
  await screen.shows(/> talking.*Dave/);
  await screen.type('x');
  await screen.loses(/Dave Brown <dave>/);
  await hears('carol', 'alice');
  expect(await callAfterKeys()).toMatchObject(TALKING);
});
