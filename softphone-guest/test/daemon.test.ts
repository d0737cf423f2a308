import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OffhookError } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCode, exitCodeOf, printError } from '@offhook/common/cli';
import { events } from '../src/cli/phone-commands.ts';
import { buildProgram } from '../src/cli/program.ts';
import { screenOptions } from '../src/cli/screen-options.ts';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import type { Daemon } from '../src/daemon.ts';
import type { CallStatistics } from '../src/statistics/schema.ts';
import { FakeDaemon } from './support/fake-daemon.ts';
import { guestConfig } from './support/fake-phone.ts';

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

/** The command line as it is typed, in this process. */
async function run(line: string): Promise<{ out: string; err: string; code: number }> {
  let [out, err] = ['', ''];
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const program = buildProgram({ output });
  const argv = line.split(' ').filter((word) => word !== '');
  try {
    await program.parseAsync([...argv, '--state-dir', fake.dir], { from: 'user' });
    return { out, err, code: exitCode.ok };
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) return { out, err, code: exitCode.usage };
    printError(output, 'offhook', error, argv.includes('--json'));
    return { out, err, code: exitCodeOf(error) };
  }
}

async function talk(target = 'bob') {
  const { id } = await client.call('call.dial', { target });
  const sip = account().placed.at(-1);
  await sip?.establish();
  return { id, sip };
}

describe('the daemon', () => {
  it('keeps its control socket to its user', () => {
    expect(statSync(fake.dir).mode & 0o077).toBe(0);
    expect(statSync(join(fake.dir, 'control.sock')).mode & 0o077).toBe(0);
  });

  it('refuses to be a second one', async () => {
    await expect(fake.start()).rejects.toMatchObject({ layer: 'control', code: 'in-use' });
  });

  it('tells what it is, where it listens and who it serves', async () => {
    expect(await client.call('status', {})).toMatchObject({
      pid: process.pid,
      config: '/etc/offhook.toml',
      listening: ['udp:127.0.0.1:5080'],
      accounts: [{ aor: 'sip:alice@example.com', state: 'registered' }],
      engine: { state: 'connected', text: 'engine: connected' },
      calls: 0,
    });
  });

  it('runs the commands that the configuration has for what happens', async () => {
    const out = join(fake.dir, 'hook.json');
    const command = `["/bin/sh", "-c", 'cat > "$1.new" && mv "$1.new" "$1"', "hook", "${out}"]`;
    const other = new FakeDaemon(
      guestConfig('', `[[hook]]\nevent = "call.incoming"\ncommand = ${command}`),
    );
    await other.start();
    other.account.ring('sip:bob@example.com', 'Bob');
    await vi.waitFor(
      () =>
        expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({
          event: 'call.incoming',
          params: { remote: 'sip:bob@example.com', remoteName: 'Bob', state: 'incoming' },
        }),
      5000,
    );
    await other.remove();
  });

  it('streams what happens to those who ask', async () => {
    const seen: string[] = [];
    client.control.on('*', (params, event) => {
      const { state } = params as { state?: string };
      seen.push(state === undefined ? event : `${event} ${state}`);
    });
    await client.control.subscribe();
    const { sip } = await talk();
    sip?.endWith({ by: 'remote', status: 200, reason: '' });
    account().emit('message', {
      from: 'sip:bob@example.com',
      body: { type: 'text/plain', content: 'hello' },
    });
    account().setRegistration({ state: 'failed', status: 403, reason: 'forbidden' });
    await vi.waitFor(() => expect(seen).toContain('call.ended ended'), 2000);
    expect(seen).toEqual([
      'call.changed dialing',
      'call.changed established',
      'call.changed ended',
      'message.changed received',
      'message',
      'registration.changed failed',
      'call.ended ended',
    ]);
  });

  it('sends figures once a second to those who listen, while a call is up', async () => {
    const stats = new Promise((resolve) => client.control.on('stats', resolve));
    await client.control.subscribe(['stats']);
    const { id } = await talk();
    expect(await stats).toMatchObject({
      calls: [{ id, media: { codec: 'PCMA', mos: 4.4, txPackets: 50 } }],
    });
  });

  it('hangs up and closes when it is told to end', async () => {
    const { sip } = await talk();
    await daemon.close();
    expect(sip?.log).toEqual(['hangup']);
    expect(fake.userAgent.closed).toBe(true);
    await expect(client.call('status', {})).rejects.toMatchObject({ layer: 'control' });
  });
});

describe('calls --json', () => {
  it('prints exactly the keys that scripts are promised', async () => {
    const { id } = await talk();
    const { out } = await run('calls --json');
    const { calls } = JSON.parse(out) as { calls: Record<string, unknown>[] };
    expect(calls).toEqual([
      {
        id,
        at: 'soft',
        account: 'sip:alice@example.com',
        direction: 'outgoing',
        state: 'established',
        remote: 'sip:bob@example.com',
        startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        held: false,
        muted: false,
        recording: null,
        media: {
          codec: 'PCMA',
          txPackets: 50,
          rxPackets: 50,
          lossPct: 0,
          jitterMs: 1,
          rttMs: 4,
          mos: 4.4,
        },
      },
    ]);
  });

  it('prints an empty list without calls', async () => {
    expect(JSON.parse((await run('calls --json')).out)).toEqual({ calls: [] });
  });
});

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

describe('a daemon that comes after another one', () => {
  it('has its calls, under the same ids and as they were, and its history', async () => {
    const done = await talk('carol');
    await client.call('call.hangup', { call: done.id });
    const { id, sip } = await talk();
    await client.call('call.hold', {});
    sip?.write('established');
    await client.close();
    await daemon.close({ keepCalls: true });
    daemon = await fake.start();
    client = await connectDaemon(fake.paths);
    const { calls } = await client.call('calls.list', {});
    expect(calls).toMatchObject([
      { id, state: 'established', held: true, remote: 'sip:bob@example.com' },
    ]);
    const { calls: history } = await client.call('history.list', {});
    expect(history).toMatchObject([{ id: done.id, end: { by: 'local' } }]);
    expect(fake.userAgent.awayMs).toBeGreaterThanOrEqual(0);
    expect(fake.engine?.sessions.size).toBe(1);
    await client.call('call.resume', {});
    await client.call('call.hangup', {});
    expect((await client.call('journal.get', {})).calls).toEqual([]);
  });

  it('forgets a call whose account is no more', async () => {
    const { sip } = await talk();
    sip?.write('established', 'sip:gone@example.com');
    await client.close();
    await daemon.close({ keepCalls: true });
    daemon = await fake.start();
    client = await connectDaemon(fake.paths);
    expect((await client.call('calls.list', {})).calls).toEqual([]);
    expect((await client.call('status', {})).journal).toMatchObject({ state: 'ok', calls: 0 });
  });
});

describe('a command on a call', () => {
  it('finds the only one, and by its first letters', async () => {
    const { id, sip } = await talk();
    expect((await run('hold')).out).toContain('established (held)');
    expect((await run(`resume ${id.slice(0, 3)}`)).code).toBe(0);
    expect((await run('mute')).out).toContain('(muted)');
    expect((await run('unmute')).out).not.toContain('muted');
    expect((await run('dtmf 12#')).code).toBe(0);
    expect(fake.engine?.log).toContainEqual(
      expect.stringMatching(`^session.dtmf ${id}-\\S+ 12# rfc4733$`),
    );
    expect((await run('hangup')).code).toBe(0);
    expect(sip?.end?.by).toBe('local');
  });

  it('wants to know which when there are several, or takes --all', async () => {
    await talk('bob');
    await talk('carol');
    const unclear = await run('mute');
    expect(unclear.code).toBe(exitCode.usage);
    expect(unclear.err).toContain('sip:carol@example.com');
    expect((await run('mute --all')).out.match(/muted/g)).toHaveLength(2);
    expect((await run('hangup --all')).code).toBe(0);
    expect(JSON.parse((await run('calls --json')).out)).toEqual({ calls: [] });
  });

  it('says with hold --all which calls could not be held, and holds the others', async () => {
    const bob = await talk('bob');
    const refusal = new OffhookError('signaling', 'refused', 'not now (488)');
    // The first for dialling Carol, which would put Bob on hold.
    bob.sip?.refusals.push(refusal, refusal);
    const carol = await talk('carol');
    const { code, out, err } = await run('hold --all');
    expect(code).toBe(exitCode.failed);
    expect(out).toContain('sip:carol@example.com');
    expect(out).not.toContain('sip:bob@example.com');
    expect(err).toContain(`${bob.id}: signaling: not now (488)`);
    bob.sip?.refusals.push(refusal);
    await run(`resume ${carol.id}`);
    bob.sip?.refusals.push(refusal);
    expect(await client.call('call.hold', { all: true })).toMatchObject({
      calls: [{ id: carol.id, held: true }],
      failed: [{ call: bob.id, message: expect.stringContaining('not now') }],
    });
    bob.sip?.refusals.push(refusal);
    expect((await run(`hold ${bob.id}`)).err).toContain('not now (488)');
  });

  it('exits with 4 for one that is not there, and lists those that are', async () => {
    const { id } = await talk();
    const wrong = await run('hangup nosuch');
    expect(wrong.code).toBe(exitCode.noSuch);
    expect(wrong.err).toContain(id);
    const json = await run('hold nosuch --json');
    expect(JSON.parse(json.out)).toMatchObject({
      error: { layer: 'call', code: 'unknown-call' },
    });
  });

  it('does nothing with --all when there is none', async () => {
    expect(await run('hangup --all --json')).toMatchObject({ out: '{"calls":[]}\n', code: 0 });
  });
});

describe('dial', () => {
  it('returns at once, or waits until the call is established', async () => {
    const dialled = await run('dial bob --json');
    expect(JSON.parse(dialled.out)).toMatchObject({
      call: { state: 'dialing', remote: 'sip:bob@example.com' },
    });
    const waiting = run('dial carol --wait 5 --json');
    await vi.waitFor(() => expect(account().placed).toHaveLength(2), 2000);
    await account().placed[1]?.establish();
    expect(JSON.parse((await waiting).out)).toMatchObject({ call: { state: 'established' } });
  });

  it('exits with 1 and the far end’s words when it is refused', async () => {
    const waiting = run('dial bob --wait');
    await vi.waitFor(() => expect(account().placed).toHaveLength(1), 2000);
    account().placed[0]?.endWith({ by: 'remote', status: 486, reason: 'busy' });
    expect(await waiting).toMatchObject({
      code: exitCode.failed,
      err: 'offhook: call: sip:bob@example.com: busy (SIP 486)\n',
    });
  });

  it('exits with 5 when nobody answers in time', async () => {
    expect((await run('dial bob --wait 0.05')).code).toBe(exitCode.timeout);
  });

  it.each([
    ['dial bob@exa%mple', exitCode.usage],
    ['dial bob --account nobody', exitCode.usage],
    ['dial', exitCode.usage],
    ['dial bob --wait soon', exitCode.usage],
    ['dtmf 12x', exitCode.usage],
    ['nonsense', exitCode.usage],
  ])('%s exits with %d', async (line, code) => {
    expect((await run(line)).code).toBe(code);
    expect(account().placed).toEqual([]);
  });

  it('names the layer when there is no engine', async () => {
    fake.engine?.cut();
    fake.engine = undefined;
    await vi.waitFor(
      () => expect(daemon.phone.link.status).toMatchObject({ layer: 'channel' }),
      2000,
    );
    const { err, code } = await run('dial bob');
    expect(code).toBe(exitCode.failed);
    expect(err).toMatch(/^offhook: engine: not connected: unix:/);
    expect((await run('status')).out).toMatch(/engine +not connected \(channel: /);
  });
});

describe('answer and reject', () => {
  it('take the only call that rings', async () => {
    await talk();
    const sip = account().ring('sip:carol@example.com', 'Carol');
    const answered = run('answer --wait 5 --json');
    await vi.waitFor(() => expect(sip.log).toEqual(['answer']), 2000);
    await sip.establish();
    expect(JSON.parse((await answered).out)).toMatchObject({
      call: { state: 'established', remoteName: 'Carol' },
    });
    const next = account().ring('sip:dave@example.com');
    expect((await run('reject --status 603')).code).toBe(0);
    expect(next.log).toEqual(['reject 603']);
  });

  it('exit with 4 when nothing rings', async () => {
    expect((await run('answer')).code).toBe(exitCode.noSuch);
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
