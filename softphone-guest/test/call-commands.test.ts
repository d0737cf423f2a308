import { OffhookError } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCode } from '@offhook/common/cli';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import type { Daemon } from '../src/daemon.ts';
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

  it('tells with --dry-run what it would dial and by which line, and calls nobody', async () => {
    const { out, code } = await run('dial 1000 --dry-run');
    expect(code).toBe(0);
    expect(out).toMatch(/^dials +sip:1000@example\.com$/m);
    expect(out).toMatch(/^by +sip:alice@example\.com$/m);
    expect(JSON.parse((await run('dial 1000 --dry-run --json')).out)).toMatchObject({
      uri: 'sip:1000@example.com',
    });
    expect(account().placed).toEqual([]);
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
