import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import { FakeDaemon } from './support/fake-daemon.ts';
import { guestConfig } from './support/fake-phone.ts';
import { runOffhook } from './support/run-offhook.ts';

let fake: FakeDaemon;
let client: DaemonClient;

beforeEach(async () => {
  fake = new FakeDaemon(
    guestConfig('', '[codes]\npark = "700"\npickup = "*8{extension}"\ngroup_pickup = "*8"'),
  );
  await fake.start();
  client = await connectDaemon(fake.paths);
});

afterEach(async () => {
  await client.close();
  await fake.remove();
});

const run = (line: string) => runOffhook(fake.dir, line);

async function talk(target = 'bob') {
  const { id } = await client.call('call.dial', { target });
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  return { id, sip };
}

const refer = async (sip: { referrals: readonly { tell(state: never): void }[] }, at = 0) =>
  vi.waitFor(() => {
    const referral = sip.referrals[at];
    if (referral === undefined) throw new Error('no REFER');
    return referral as unknown as Awaited<ReturnType<typeof talk>>['sip']['referrals'][number];
  });

describe('offhook transfer', () => {
  it('hands the party on to a target, and waits for the outcome', async () => {
    const { id, sip } = await talk();
    const done = run('transfer 200 --wait 5');
    const referral = await refer(sip);
    expect(referral.to).toBe('sip:200@example.com');
    referral.tell({ state: 'succeeded', status: 200, reason: 'OK' });
    expect(await done).toMatchObject({ code: 0 });
    expect((await client.call('call.get', { call: id })).transfer).toMatchObject({
      state: 'succeeded',
    });
  });

  it('fails with the target’s words; the call is there as before', async () => {
    const { id, sip } = await talk();
    const done = run(`transfer ${id} 200 --wait 5`);
    (await refer(sip)).tell({ state: 'failed', status: 486, reason: 'busy' });
    const { code, err } = await done;
    expect(code).toBe(1);
    expect(err).toContain('the transfer failed: busy (SIP 486)');
    expect(await client.call('call.get', { call: id })).toMatchObject({ state: 'established' });
    expect((await run('calls')).out).toContain('transfer: sip:200@example.com busy');
  });

  it('gives up waiting at the deadline, and does not wait unless asked to', async () => {
    await talk();
    expect(await run('transfer 200 --wait 0.05')).toMatchObject({ code: 5 });
    expect(await run('transfer 200')).toMatchObject({ code: 0 });
  });

  it('joins the parties of two calls', async () => {
    const { id: first, sip } = await talk('bob');
    const { id: second, sip: other } = await talk('carol');
    const done = run(`transfer ${first} --to ${second} --wait 5`);
    const referral = await refer(sip);
    expect(referral.options.replaces).toBe(other);
    referral.tell({ state: 'succeeded', status: 200, reason: 'OK' });
    expect(await done).toMatchObject({ code: 0 });
    await vi.waitFor(async () => expect((await client.call('calls.list', {})).calls).toEqual([]));
  });

  it('wants a target or another call', async () => {
    const { id } = await talk();
    expect((await run('transfer')).code).toBe(2);
    expect((await run(`transfer ${id} --to ${id}`)).code).toBe(2);
    expect((await run('transfer a b c')).code).toBe(2);
  });
});

describe('other ways for calls to change hands', () => {
  it('redirects the incoming call', async () => {
    const sip = fake.account.ring();
    expect(await run('redirect 200 sip:carol@example.org')).toMatchObject({ code: 0 });
    expect(sip.log).toEqual(['reject 302 sip:200@example.com sip:carol@example.org']);
  });

  it('declines with words', async () => {
    const sip = fake.account.ring();
    expect(await run('reject --status 480 --reason later')).toMatchObject({ code: 0 });
    expect(sip.log).toEqual(['reject 480']);
    expect(sip.rejectReason).toBe('later');
  });

  it('swaps, and redials', async () => {
    const { id } = await talk('bob');
    await talk('carol');
    expect((await run('swap')).out).toContain(id);
    await run('hangup --all');
    expect(await run('redial')).toMatchObject({ code: 0 });
    expect(fake.account.placed.at(-1)?.remote.uri).toBe('sip:carol@example.com');
  });

  it('parks, retrieves and picks up by feature code', async () => {
    const { sip } = await talk();
    expect(await run('park')).toMatchObject({ code: 0 });
    expect(sip.referrals[0]?.to).toBe('sip:700@example.com');
    await run('retrieve 701');
    expect(fake.account.placed.at(-1)?.remote.uri).toBe('sip:701@example.com');
    await run('pickup 42');
    expect(fake.account.placed.at(-1)?.remote.uri).toBe('sip:*842@example.com');
    await run('pickup');
    expect(fake.account.placed.at(-1)?.remote.uri).toBe('sip:*8@example.com');
  });
});

describe('what the person sets', () => {
  it('is told, and survives nothing that was refused', async () => {
    expect((await run('dnd on')).out).toContain('do not disturb  on');
    expect((await run('dnd')).out).toContain('on');
    expect((await run('status')).out).toContain('do not disturb');
    expect((await run('dnd maybe')).code).toBe(2);
    const { out } = await run('forward --busy 200 --no-answer 300 --after 10');
    expect(out).toContain('sip:alice@example.com: when busy to 200, after 10 s to 300');
    expect((await run('forward --always bob:secret@example.com')).code).toBe(2);
    expect((await run('forward')).out).toContain('when busy to 200');
    expect((await run('forward --off')).out).toContain('sip:alice@example.com: off');
  });

  it('reaches every window', async () => {
    const seen = vi.fn<(params: unknown) => void>();
    client.control.on('settings.changed', seen);
    await client.control.subscribe(['settings.changed']);
    await run('dnd on');
    await vi.waitFor(() => expect(seen).toHaveBeenCalledTimes(1));
    expect(seen.mock.calls[0]?.[0]).toMatchObject({ doNotDisturb: true });
  });
});
