import { OffhookError } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCode } from '@offhook/common/cli';
import { events } from '../src/cli/phone-commands.ts';
import { screenOptions } from '../src/cli/screen-options.ts';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import type { Daemon } from '../src/daemon.ts';
import type { CallStatistics } from '../src/statistics/schema.ts';
import { runAt } from './support/command-line.ts';
import { FakeDaemon } from './support/fake-daemon.ts';

let fake: FakeDaemon;
let daemon: Daemon;
let client: DaemonClient;

beforeEach(async () => {
  fake = new FakeDaemon();
  daemon = await fake.start();
  client = await connectDaemon(fake.paths);
});

afterEach(async () => {
  await client.close();
  await fake.remove();
});

const account = () => fake.account;

const run = (line: string) => runAt(fake.dir, line);

async function talk(target = 'bob') {
  const { id } = await client.call('call.dial', { target });
  const sip = account().placed.at(-1);
  await sip?.establish();
  return { id, sip };
}

describe('offhook stats', () => {
  it('tells the figures of a call that is up, and of one that is over by its file', async () => {
    const { id, sip } = await talk();
    await client.call('call.hold', { call: id });
    const live = JSON.parse((await run(`stats ${id.slice(0, 3)} --json`)).out) as CallStatistics;
    expect(live).toMatchObject({
      id,
      state: 'established',
      endedAt: null,
      codec: 'PCMA',
      received: { packets: 50, lossPct: 0 },
      holds: [{ by: 'local', to: null }],
      voipMetrics: { roundTripDelay: 4, mosCq: 4.4, jbNominal: 20, burstDensity: null },
    });
    sip?.endWith({ by: 'remote', status: 200, reason: 'hung up' });
    await vi.waitFor(async () =>
      expect(await client.call('stats.get', { call: id })).toMatchObject({
        state: 'ended',
        end: { by: 'remote', reason: 'hung up' },
        holds: [{ by: 'local', to: expect.any(String) as string }],
      }),
    );
    expect((await run('stats')).out).toMatch(/^MOS-CQ +4\.40$/m);
    await fake.stop();
    expect((await run('stats')).out).toMatch(new RegExp(`^call +${id} `, 'm'));
  });

  it('says that there is none', async () => {
    expect(await run('stats zz9')).toMatchObject({
      code: exitCode.noSuch,
      err: expect.stringContaining('nothing is known of call zz9') as string,
    });
  });
});

describe('offhook journal', () => {
  it('shows what the next daemon would go on with, and nothing that is a secret', async () => {
    const { id, sip } = await talk();
    sip?.write('established');
    const { out, code } = await run('journal');
    expect(code).toBe(0);
    expect(out).toMatch(/journal +written/);
    expect(out).toMatch(new RegExp(`${id} +established +sip:bob@example.com +${id}-… +2`));
    const session = [...(fake.engine?.sessions.keys() ?? [])][0] ?? '';
    expect(session).toMatch(new RegExp(`^${id}-.{20}$`));
    expect((await run('journal --json')).out).not.toContain(session);
  });

  it('shows it from the file when no daemon runs', async () => {
    const { id, sip } = await talk();
    sip?.write('established');
    await daemon.close({ keepCalls: true });
    const { out, err, code } = await run('journal');
    expect([code, err]).toEqual([
      0,
      'offhook: no daemon runs; this is what the next one will find\n',
    ]);
    expect(out).toContain(id);
  });

  it('says so when there is nothing in it', async () => {
    expect((await run('journal')).out).toContain('no calls in it');
  });
});

describe('other commands', () => {
  it('history finds calls by words, by being missed, and by when they were', async () => {
    const { id } = await talk('sip:carol@example.com');
    await client.call('call.hangup', { call: id });
    await run('dial sip:dave@example.com');
    await client.call('call.hangup', { all: true });
    const found = async (line: string) =>
      (
        JSON.parse((await run(`history --json ${line}`)).out) as { calls: { remote: string }[] }
      ).calls.map(({ remote }) => remote);
    await vi.waitFor(async () => expect(await found('')).toHaveLength(2));
    expect(await found('CAROL example')).toEqual(['sip:carol@example.com']);
    expect(await found('--since 1h')).toHaveLength(2);
    expect(await found('--since 2099-01-01')).toEqual([]);
    expect(await found('--missed')).toEqual([]);
    expect((await run('history --since yesterday')).err).toMatch(/a date such as/);
  });

  it('history lists calls that are over, with their last figures', async () => {
    const { id } = await talk();
    await run('hangup');
    await vi.waitFor(async () => {
      const { out } = await run('history --json');
      expect(JSON.parse(out)).toMatchObject({
        calls: [{ id, state: 'ended', end: { by: 'local' }, media: { codec: 'PCMA' } }],
      });
    }, 2000);
    expect((await run('history')).out).toContain('sip:bob@example.com');
  });

  it('register and unregister change the line', async () => {
    expect((await run('unregister alice')).out).toContain('not registered');
    expect((await run('register')).out).toContain('registered at sip:example.com');
  });

  it('devices lists what the thin client has', async () => {
    expect((await run('devices')).out).toContain('nothing');
    expect((await run('devices input')).code).toBe(exitCode.usage);
  });

  it('volume and voice are asked of the thin client', async () => {
    expect((await run('volume output 1.5')).out).toBe('output: volume 1.5\n');
    expect((await run('voice --echo on --noise high')).code).toBe(0);
    expect(fake.engine?.audio).toEqual([
      { role: 'output', volume: 1.5 },
      { echoCancellation: 'on', noiseSuppression: 'high' },
    ]);
    expect((await run('volume output 5')).code).toBe(exitCode.usage);
    expect((await run('volume louder 1')).code).toBe(exitCode.usage);
    expect((await run('voice')).code).toBe(exitCode.usage);
    expect((await run('voice --echo maybe')).code).toBe(exitCode.usage);
  });

  it('use lists thin clients, and refuses one that is not there', async () => {
    const { out } = await run('use --json');
    const { engines } = JSON.parse(out) as { engines: { channel: string }[] };
    expect(engines).toEqual([
      { channel: expect.any(String), kind: 'client', active: true, connected: true },
    ]);
    expect((await run('use')).out).toMatch(/thin client +in use, connected/);
    expect(await run(`use ${engines[0]?.channel}`)).toMatchObject({ code: 0 });
    const refused = await run('use tcp:192.0.2.7:1');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('no engine is connected at tcp:192.0.2.7:1');
  });

  it('events streams what is asked for as JSON lines, until the daemon goes', async () => {
    expect((await run('events nonsense')).code).toBe(exitCode.usage);
    const lines: string[] = [];
    const output = { out: (text: string) => lines.push(text), err: () => undefined };
    const streaming = events({ paths: fake.paths, json: false, output }, ['message']);
    // Said again until the subscription is in force.
    await vi.waitFor(() => {
      account().emit('message', {
        from: 'sip:bob@example.com',
        body: { type: 'text/plain', content: 'hi' },
      });
      expect(lines).not.toEqual([]);
    }, 2000);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event: 'message',
      params: { from: 'sip:bob@example.com', text: 'hi' },
    });
    const ended = streaming.catch((error: unknown) => error);
    await daemon.close();
    expect(await ended).toMatchObject({ layer: 'control', code: 'closed' });
  });

  it('doctor goes through the layers and fails with a remedy', async () => {
    const well = await client.call('doctor.run', {});
    expect(well.checks.map((one) => `${one.layer} ${one.level}`)).toEqual([
      'journal ok',
      'channel ok',
      'engine ok',
      'engine warn',
      'device ok',
      'device ok',
      'sip ok',
      'registrar ok',
      'registrar ok',
    ]);
    account().optionsAnswer = new OffhookError('signaling', 'timeout', 'no answer');
    account().setRegistration({ state: 'failed', status: 403, reason: 'forbidden' });
    const ill = await client.call('doctor.run', {});
    expect(ill.checks.slice(7)).toMatchObject([
      { layer: 'registrar', level: 'fail' },
      {
        level: 'fail',
        message: 'sip:alice@example.com: forbidden (403)',
        remedy: 'check username and password of the account',
      },
    ]);
  });

  it('doctor sees whether audio goes and comes', async () => {
    await talk();
    const { checks } = await client.call('doctor.run', {});
    expect(checks.at(-1)).toMatchObject({ layer: 'media', level: 'ok' });
  });
});

describe('without a daemon', () => {
  it('commands exit with 3 and say what to do', async () => {
    await client.close();
    await daemon.close();
    const { err, code } = await run('status');
    expect(code).toBe(exitCode.notReachable);
    expect(err).toContain('start it with `offhook daemon`');
  });

  it('help is there, with examples and exit codes', async () => {
    const { out } = await run('--help');
    expect(out).toContain('offhook dial echo --wait 20');
    expect(out).toContain('Exit codes');
    expect((await run('dial --help')).out).toContain('--state-dir');
  });
});

describe('offhook alone', () => {
  it.each([
    [[], {}],
    [['--state-dir', '/x'], { stateDir: '/x' }],
    [['--config=/c.toml', '--state-dir=/x'], { config: '/c.toml', stateDir: '/x' }],
  ])('is the screen: %j', (words, options) => {
    expect(screenOptions(words)).toEqual(options);
  });

  it.each([[['calls']], [['--json']], [['--help']], [['--state-dir']], [['-x', 'dial']]])(
    'is not %j',
    (words) => {
      expect(screenOptions(words)).toBeUndefined();
    },
  );
});
