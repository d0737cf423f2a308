import { until } from '@offhook/test-sipp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DESK_HZ, DeskOffice, FAR_HZ, SOFT_HZ } from '../src/desk/office.ts';

let office: DeskOffice;

/** Bob hears this one now, and no longer the other one. */
async function bobHears(hz: number, not: number): Promise<void> {
  const { media } = office.far;
  await until(`Bob to hear ${hz} Hz`, () => media.hearsNow(hz) && !media.hearsNow(not), {
    within: 6000,
    seen: () => `he hears ${media.mixNow([SOFT_HZ, DESK_HZ, FAR_HZ]).join(', ') || 'nothing'}`,
  });
}

/** Bob is called from the handset in use, and answers. */
async function talkWithBob() {
  const { far, phone } = office;
  const { id } = await phone.dial('bob');
  far.phone.answer(await far.phone.leg('ringing'));
  return phone.becomes(id, 'established');
}

async function theOnlyCall() {
  return until(
    'one call to be left',
    async () => {
      const calls = await office.phone.calls();
      return calls.length === 1 ? calls[0] : undefined;
    },
    { within: 6000 },
  );
}

function use(mode: 'soft' | 'desk') {
  return office.phone.call('mode.set', { mode });
}

describe.each([true, false])('a desk phone at Asterisk (remote control: %s)', (remoteControl) => {
  beforeAll(async () => {
    office = await DeskOffice.open({ remoteControl });
  });
  afterAll(() => office.close());
  afterEach(async () => {
    await office.quiet();
    await use('soft');
  });

  it('is dialled with, shown and hung up with the softphone’s commands', async () => {
    await use('desk');
    const call = await talkWithBob();
    expect(call).toMatchObject({ at: 'desk', direction: 'outgoing', account: 'desk:alice' });
    expect(call.remote).toMatch(/^sip:bob@/);
    await bobHears(DESK_HZ, SOFT_HZ);
    await office.phone.call('call.hold', { call: call.id });
    await office.phone.sees(call.id, 'held', ({ held }) => held);
    await office.phone.call('call.resume', { call: call.id });
    await office.phone.sees(call.id, 'taken up', ({ held }) => !held);
    await bobHears(DESK_HZ, SOFT_HZ);
    await office.phone.call('call.dtmf', { call: call.id, digits: '42#' });
    await until('Bob to have the digits', () => office.far.phone.digits.join('') === '42#', {
      within: 5000,
      seen: () => office.far.phone.digits.join(''),
    });
    office.far.phone.digits.length = 0;
    await office.phone.hangup(call.id);
    await office.far.phone.idle();
    const [entry] = (await office.phone.call('history.list', { limit: 1 })).calls;
    expect(entry).toMatchObject({ id: call.id, at: 'desk', end: { by: 'local' } });
  });

  it('says what it cannot do', async () => {
    await use('desk');
    const call = await talkWithBob();
    const mute = office.phone.call('call.mute', { call: call.id });
    await expect(mute).rejects.toMatchObject({ code: 'not-supported' });
    const { desk } = await office.phone.call('mode.get', {});
    const cannot = desk?.cannot.map(({ command }) => command) ?? [];
    expect(cannot.includes('answer')).toBe(!remoteControl);
  });

  it('is called, and answers', async () => {
    const { phone, desk, far } = office;
    const since = phone.eventMark;
    far.phone.dial('alice');
    const ringing = await phone.rings(since);
    expect(ringing).toMatchObject({ at: 'desk', remote: expect.stringMatching(/^sip:bob@/) });
    if (remoteControl) await phone.call('call.answer', { call: ringing.id });
    else desk.phone.answer(await desk.phone.leg('ringing'));
    await phone.becomes(ringing.id, 'established');
    await bobHears(DESK_HZ, SOFT_HZ);
  });

  it('takes a call over from the thin client', async () => {
    const { phone, desk } = office;
    const call = await talkWithBob();
    await bobHears(SOFT_HZ, DESK_HZ);
    const moving = phone.call('call.move', { call: call.id, to: 'desk' }, 40_000);
    if (!remoteControl) desk.phone.answer(await desk.phone.leg('ringing'));
    expect(await moving).toMatchObject({ at: 'desk', state: 'established' });
    await bobHears(DESK_HZ, SOFT_HZ);
    await desk.media.hears(FAR_HZ);
    expect(await theOnlyCall()).toMatchObject({
      at: 'desk',
      remote: expect.stringMatching(/bob@/),
    });
  });

  it('gives a call over to the thin client', async () => {
    const { phone, engine, desk } = office;
    await use('desk');
    const call = await talkWithBob();
    await bobHears(DESK_HZ, SOFT_HZ);
    await engine.forgetPlayed();
    const moved = await phone.call('call.move', { call: call.id, to: 'soft' }, 40_000);
    expect(moved).toMatchObject({ at: 'soft', state: 'established' });
    expect(moved.remote).toBe(call.remote);
    await bobHears(SOFT_HZ, DESK_HZ);
    await engine.plays(FAR_HZ);
    expect(await theOnlyCall()).toMatchObject({ at: 'soft' });
    await desk.phone.idle();
  });

  it('leaves the call where it is when the other handset does not take it', async () => {
    const { phone, asterisk } = office;
    const call = await talkWithBob();
    await asterisk.console('database put offhook alice/dnd 1');
    const moving = phone.call('call.move', { call: call.id, to: 'desk' }, 40_000);
    await expect(moving).rejects.toMatchObject({ code: 'move-failed' });
    await asterisk.console('database del offhook alice/dnd');
    await bobHears(SOFT_HZ, DESK_HZ);
    expect(await theOnlyCall()).toMatchObject({ id: call.id, at: 'soft', held: false });
  });
});

describe('a desk phone whose bridge, daemon or thin client goes', () => {
  beforeAll(async () => {
    office = await DeskOffice.open({ remoteControl: true });
  });
  afterAll(() => office.close());
  afterEach(() => office.quiet());

  it('keeps a call that the softphone does not get', async () => {
    const { phone, asterisk } = office;
    await use('desk');
    const call = await talkWithBob();
    await asterisk.console('database put offhook anna/dnd 1');
    const moving = phone.call('call.move', { call: call.id, to: 'soft' }, 40_000);
    await expect(moving).rejects.toMatchObject({ code: 'move-failed' });
    await asterisk.console('database del offhook anna/dnd');
    await bobHears(DESK_HZ, SOFT_HZ);
    await phone.sees(call.id, 'taken up', ({ held }) => !held);
    expect(await theOnlyCall()).toMatchObject({ id: call.id, at: 'desk' });
  });

  it('goes on with its call, and is shown right when there is a bridge again', async () => {
    const { phone, far } = office;
    await use('desk');
    const call = await talkWithBob();
    await office.killBridge();
    expect(await office.deskIs('disconnected')).toContain('calls at the phone go on');
    await bobHears(DESK_HZ, SOFT_HZ);
    expect(await phone.get(call.id)).toMatchObject({ state: 'established' });
    const hangup = phone.hangup(call.id);
    await expect(hangup).rejects.toMatchObject({ code: 'desk-phone-gone' });
    await office.startBridge();
    await office.deskIs('connected', 30_000);
    expect(await theOnlyCall()).toMatchObject({ id: call.id, state: 'established' });

    await office.killBridge();
    far.phone.hangUp(await far.phone.leg('up'));
    await far.phone.idle();
    await office.startBridge();
    await office.deskIs('connected', 30_000);
    await until('the call to be over', async () => (await phone.calls()).length === 0, {
      within: 10_000,
    });
  });

  it('is used after the daemon was started anew, with its call in sight', async () => {
    await use('desk');
    const call = await talkWithBob();
    await office.restartGuest();
    expect(await office.phone.call('mode.get', {})).toMatchObject({ mode: 'desk' });
    expect(await theOnlyCall()).toMatchObject({ id: call.id, at: 'desk', state: 'established' });
    await bobHears(DESK_HZ, SOFT_HZ);
  });

  it('is given the calls of a thin client that is gone', async () => {
    const { desk, engine } = office;
    await use('soft');
    await talkWithBob();
    await bobHears(SOFT_HZ, DESK_HZ);
    await engine.process.stop(5000);
    desk.phone.answer(await desk.phone.leg('ringing', 10_000));
    await bobHears(DESK_HZ, SOFT_HZ);
    expect(await theOnlyCall()).toMatchObject({ at: 'desk', state: 'established' });
  });
});
