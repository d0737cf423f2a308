import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, silentLogger } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDaemon, type DaemonClient } from '../../src/control/client.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { Conversations } from '../../src/presence/conversations.ts';
import { parsePidf } from '../../src/presence/pidf.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';
import { fakePhone, guestConfig } from '../support/fake-phone.ts';

const WATCH =
  '[[watch]]\ntarget = "bob"\nname = "Bob"\n[[watch]]\ntarget = "carol"\nevent = "presence"\n';
const RINGING =
  '<dialog-info version="1" state="full"><dialog id="a" call-id="c1" local-tag="lt" remote-tag="rt" direction="recipient"><state>early</state><remote><identity>sip:dave@example.com</identity></remote></dialog></dialog-info>';
const INFO = 'application/dialog-info+xml';

describe('lamps', () => {
  it('are lit by what the phones and persons of the configuration do', async () => {
    const { phone, account } = await fakePhone(guestConfig('', WATCH));
    const { lamps } = phone.presence;
    const [bob, carol] = account.subscriptions;
    expect([bob?.target, bob?.options.event]).toEqual(['sip:bob@example.com', 'dialog']);
    expect([carol?.target, carol?.options.event]).toEqual(['sip:carol@example.com', 'presence']);
    const shown = () => lamps.list().map(({ state, note }) => [state, note]);
    expect(shown()).toEqual([
      ['unknown', undefined],
      ['unknown', undefined],
    ]);
    bob?.notify(INFO, RINGING);
    carol?.notify(
      'application/pidf+xml',
      '<presence><tuple id="1"><status><basic>open</basic></status><note>here</note></tuple></presence>',
    );
    expect(shown()).toEqual([
      ['ringing', 'sip:dave@example.com'],
      ['free', 'here'],
    ]);
    bob?.notify(INFO, 'nonsense');
    bob?.notify('text/plain', 'busy');
    expect(shown()[0]).toEqual(['ringing', 'sip:dave@example.com']);
    bob?.tell({ state: 'waiting', status: 503, reason: 'service unavailable', retryAt: 0 });
    expect(lamps.list()[0]).toMatchObject({ state: 'unknown', trouble: 'service unavailable' });
  });

  it('wait until the line is registered', async () => {
    const fake = await fakePhone(guestConfig('', WATCH));
    expect(fake.account.subscriptions).toHaveLength(2);
    fake.account.setRegistration({ state: 'failed', status: 503, reason: 'x' });
    fake.account.setRegistration({ state: 'registered', expiresAt: 0, registrar: 'sip:x' });
    expect(fake.account.subscriptions).toHaveLength(2);
  });
});

describe('messages that wait', () => {
  it('are asked for where the configuration says so', async () => {
    const { phone, account } = await fakePhone(guestConfig('voicemail = true'));
    const [box] = account.subscriptions;
    expect([box?.target, box?.options.event]).toEqual(['sip:alice@example.com', 'message-summary']);
    box?.notify(
      'application/simple-message-summary',
      'Messages-Waiting: yes\r\nVoice-Message: 3/1\r\n',
    );
    expect(phone.presence.mailboxes.list()).toEqual([
      { account: 'sip:alice@example.com', waiting: true, fresh: 3, old: 1 },
    ]);
  });

  it('are taken unasked', async () => {
    const { phone, account } = await fakePhone();
    const answer = await account.serve('NOTIFY', {
      headers: { event: 'message-summary' },
      body: { type: 'application/simple-message-summary', content: 'Messages-Waiting: yes' },
    });
    expect(answer).toEqual({ status: 200 });
    expect(phone.presence.mailboxes.list()).toMatchObject([{ waiting: true, fresh: 1 }]);
    expect(await account.serve('NOTIFY', { headers: { event: 'dialog' } })).toBeUndefined();
  });
});

describe('our own presence', () => {
  it('is published for lines that want it, and follows calls and do not disturb', async () => {
    const { phone, account, clock } = await fakePhone(guestConfig('publish = true'));
    const [publication] = account.publications;
    const last = () => parsePidf(publication?.bodies.at(-1)?.content ?? '')?.activity;
    expect(last()).toBeUndefined();
    const [line] = phone.lines;
    if (line !== undefined) phone.manager.dial(line, 'bob');
    await clock.advance(0);
    await account.placed[0]?.establish();
    expect(last()).toBe('on-the-phone');
    phone.settings.setDoNotDisturb(true);
    expect(last()).toBe('busy');
    phone.settings.setDoNotDisturb(false);
    account.placed[0]?.endWith({ by: 'remote', status: 200, reason: '' });
    await clock.advance(0);
    expect(last()).toBeUndefined();
  });
});

describe('text messages', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'offhook-messages-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('are kept both ways over a restart, without lines that are none', async () => {
    const { phone, account } = await fakePhone();
    const path = join(dir, 'messages.jsonl');
    const open = () =>
      new Conversations({
        path,
        lines: phone.lines,
        clock: new ManualClock(),
        logger: silentLogger,
      });
    const first = open();
    account.emit('message', { from: 'sip:bob@x', body: { type: 'text/plain', content: 'lunch?' } });
    const [line] = phone.lines;
    if (line === undefined) throw new Error('no line');
    await first.send(line, 'sip:bob@x', 'yes\nat one', new AbortController().signal);
    expect(account.sent.at(-1)).toMatchObject({ method: 'MESSAGE', target: 'sip:bob@x' });
    appendFileSync(path, 'junk\n{"id":1}\n');
    const again = open().list({ limit: 10 });
    expect(again.map(({ direction, text, state }) => [direction, text, state])).toEqual([
      ['out', 'yes\nat one', 'sent'],
      ['in', 'lunch?', 'received'],
    ]);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(2);
  });

  it('that are refused are kept as failed, and told', async () => {
    const { phone, account } = await fakePhone();
    const path = join(dir, 'messages.jsonl');
    const store = new Conversations({
      path,
      lines: phone.lines,
      clock: new ManualClock(),
      logger: silentLogger,
    });
    account.nextAnswer = { status: 404, reason: 'no such number' };
    const [line] = phone.lines;
    if (line === undefined) throw new Error('no line');
    const sending = store.send(line, 'sip:nobody@x', 'hello', new AbortController().signal);
    await expect(sending).rejects.toThrow('no such number');
    expect(store.list({ limit: 1, with: 'nobody' })).toMatchObject([{ state: 'failed' }]);
    expect(store.list({ limit: 1, with: 'bob' })).toEqual([]);
  });
});

describe('at the control socket', () => {
  let fake: FakeDaemon;
  let client: DaemonClient;
  beforeEach(async () => {
    fake = new FakeDaemon(guestConfig('', WATCH));
    await fake.start();
    client = await connectDaemon(fake.paths);
  });
  afterEach(async () => {
    await client.close();
    await fake.remove();
  });

  async function run(line: string): Promise<string> {
    let out = '';
    const output = { out: (text: string) => (out += text), err: (text: string) => (out += text) };
    const argv = [...line.split(' '), '--state-dir', fake.dir];
    await buildProgram({ output }).parseAsync(argv, { from: 'user' });
    return out;
  }

  it('lamps are listed, told and changed', async () => {
    const seen = vi.fn<(params: unknown) => void>();
    client.control.on('lamp.changed', seen);
    await client.control.subscribe(['lamp.changed']);
    fake.account.subscriptions[0]?.notify(INFO, RINGING);
    await vi.waitFor(() => expect(seen).toHaveBeenCalledTimes(1));
    expect(await run('lamps')).toMatch(/ringing +Bob +sip:dave@example\.com/);
    expect(await run('watch erin --name Erin')).toMatch(/unknown +Erin/);
    expect(fake.account.subscriptions.at(-1)?.target).toBe('sip:erin@example.com');
    await run('watch erin --off');
    expect(fake.account.subscriptions.at(-1)?.closed).toBe(true);
    expect((await client.call('lamps.list', {})).lamps).toHaveLength(2);
  });

  it('a call that rings at a watched phone is picked up by Replaces', async () => {
    fake.account.subscriptions[0]?.notify(INFO, RINGING);
    await run('pickup bob');
    const [call] = fake.account.placed;
    expect(call?.remote.uri).toBe('sip:dave@example.com');
    expect(call?.options?.replaces).toEqual({
      callId: 'c1',
      toTag: 'rt',
      fromTag: 'lt',
      earlyOnly: true,
    });
  });

  it('text messages are sent and shown', async () => {
    await run('message bob see you at four');
    fake.account.emit('message', {
      from: 'sip:bob@example.com',
      displayName: 'Bob',
      body: { type: 'text/plain', content: 'fine' },
    });
    const out = await run('messages');
    expect(out).toMatch(/to +sip:bob@example\.com +see you at four\n.*from +Bob +fine/);
    expect(await run('voicemail')).toBe('nothing is known\n');
  });
});
