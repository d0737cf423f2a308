import { silentLogger } from '@offhook/common';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Mover } from '../../src/handset/mover.ts';
import { connection, station } from '../desk/connections.ts';
import { fakeDesk } from '../desk/fake-bridge.ts';
import { fakePhone, type FakePhone } from '../support/fake-phone.ts';

let phone: FakePhone;
let desk: ReturnType<typeof fakeDesk>;
let mover: Mover;

beforeEach(async () => {
  phone = await fakePhone();
  desk = fakeDesk();
  const [line] = phone.phone.lines;
  if (line === undefined) throw new Error('no line');
  mover = new Mover({
    manager: phone.phone.manager,
    desk: desk.desk,
    config: {
      url: 'wss://cti.example.com',
      token_file: '/token',
      device: 'alice',
      number: '201',
      answer: true,
    },
    line,
    engine: phone.phone.link,
    logger: silentLogger,
  });
});

/** Time goes by for both handsets. */
async function later(ms = 0): Promise<void> {
  await phone.clock.advance(ms);
  await desk.clock.advance(ms);
}

async function talkingHere() {
  const [line] = phone.phone.lines;
  if (line === undefined) throw new Error('no line');
  const session = phone.phone.manager.dial(line, 'bob');
  await later();
  const sip = phone.account.placed.at(-1);
  await sip?.establish();
  return { session, sip };
}

function talkingThere(state: 'connected' | 'hold' = 'connected') {
  desk.bridge.come(
    [station('alice', ['answerCall', 'consultationCall', 'transferCall', 'singleStepTransfer'])],
    [connection('1.1', 'alice', state, { role: 'calling' }), connection('1.2', 'bob', 'connected')],
  );
  const [call] = desk.desk.list();
  if (call === undefined) throw new Error('no call');
  return call;
}

/** What a promise rejects with, whenever it does. */
function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const CONSULTING = connection('2.1', 'alice', 'connected', { role: 'calling', call: 'pbx:2' });

describe('to the desk phone', () => {
  beforeEach(() => desk.bridge.come([station('alice', ['answerCall'])]));

  it('the call is handed on once it was taken there, and talked on until then', async () => {
    const { session, sip } = await talkingHere();
    const moved = mover.move(session, 'desk');
    await later();
    const second = phone.account.placed.at(-1);
    expect(second?.remote.uri).toBe('sip:201@example.com');
    expect(session.call.hold.wanted).toBe(false);
    desk.bridge.tell('delivered', connection('3.2', 'alice', 'alerting', { call: 'pbx:3' }));
    expect(desk.bridge.asked).toEqual(['answerCall {"connection":"pbx:3.2"}']);
    await second?.establish();
    await later();
    expect(sip?.referrals[0]).toMatchObject({ options: { replaces: second } });
    sip?.referrals[0]?.tell({ state: 'succeeded', status: 200, reason: 'OK' });
    desk.bridge.tell('established', connection('3.2', 'alice', 'connected', { call: 'pbx:3' }));
    await later();
    expect((await moved)?.call).toMatchObject({ place: 'desk', phase: 'established' });
    expect(phone.phone.manager.list()).toEqual([]);
    const ended = phone.phone.manager.history.list().map(({ call }) => call.remote.uri);
    expect(ended).toEqual(['sip:bob@example.com']);
  });

  it('stays here when nobody takes it there', async () => {
    const { session, sip } = await talkingHere();
    const failure = failureOf(mover.move(session, 'desk'));
    await later();
    phone.account.placed.at(-1)?.endWith({ by: 'remote', status: 486, reason: 'busy' });
    expect(await failure).toMatchObject({
      code: 'move-failed',
      message: 'the call could not be moved to the desk phone: busy',
    });
    expect(session.call).toMatchObject({ phase: 'established', hold: { wanted: false } });
    expect(sip?.referrals).toEqual([]);
  });

  it('stays here when the PBX does not transfer', async () => {
    const { session, sip } = await talkingHere();
    const failure = failureOf(mover.move(session, 'desk'));
    await later();
    const second = phone.account.placed.at(-1);
    await second?.establish();
    await later();
    sip?.referrals[0]?.tell({ state: 'refused', status: 603, reason: 'declined' });
    expect(await failure).toMatchObject({ code: 'move-failed' });
    expect(session.call.phase).toBe('established');
    expect(second?.log).toContain('hangup');
  });

  it('rings there instead of here', async () => {
    const sip = phone.account.ring();
    const [session] = phone.phone.manager.list();
    if (session === undefined) throw new Error('no call');
    await mover.move(session, 'desk');
    expect(sip.log).toEqual(['reject 302 sip:201@example.com']);
  });

  it('is handed on blindly when there is no engine to call with', async () => {
    const { session, sip } = await talkingHere();
    const over = mover.handOver(session);
    expect(sip?.referrals[0]?.to).toBe('sip:201@example.com');
    sip?.referrals[0]?.tell({ state: 'failed', status: 480, reason: 'not there' });
    await expect(over).rejects.toMatchObject({ code: 'refused' });
    expect(session.call.phase).toBe('established');
  });
});

describe('to the thin client', () => {
  it('the call is consulted over, taken without ringing, and joined with the far end', async () => {
    const call = talkingThere();
    desk.bridge.answer = (service) => {
      if (service === 'consultationCall') desk.bridge.tell('originated', CONSULTING);
      return { connection: 'pbx:2.1' };
    };
    const moved = mover.move(call, 'soft');
    await later();
    const sip = phone.account.ring('sip:201@example.com');
    await vi.waitFor(() => expect(sip.log).toContain('answer'));
    await sip.establish();
    desk.bridge.tell('established', connection('2.2', undefined, 'connected', { call: 'pbx:2' }));
    await later();
    expect((await moved)?.call).toMatchObject({
      place: 'soft',
      phase: 'established',
      remote: { uri: 'sip:bob@pbx.example.com' },
    });
    expect(desk.bridge.asked).toEqual([
      'consultationCall {"connection":"pbx:1.1","to":"alice"}',
      'transferCall {"held":"pbx:1.1","active":"pbx:2.1"}',
    ]);
  });

  it('stays there when it does not come here: the phone takes it back', async () => {
    const call = talkingThere();
    desk.bridge.answer = (service) => {
      if (service === 'consultationCall') {
        desk.bridge.tell('held', connection('1.1', 'alice', 'hold', { role: 'calling' }));
        desk.bridge.tell('originated', CONSULTING);
      }
      return { connection: 'pbx:2.1' };
    };
    const failure = failureOf(mover.move(call, 'soft'));
    await later();
    await later(10_000);
    expect(await failure).toMatchObject({
      code: 'move-failed',
      remedy: expect.stringContaining('soft_number') as string,
    });
    expect(desk.bridge.asked.slice(1)).toEqual([
      'clearConnection {"connection":"pbx:2.1"}',
      'retrieveCall {"connection":"pbx:1.1"}',
    ]);
    // Nobody waits for it any more: it rings as any other call.
    const late = phone.account.ring('sip:201@example.com');
    await later();
    expect(late.log).toEqual([]);
  });

  it('is not begun without an engine', async () => {
    const call = talkingThere();
    const { engine } = phone;
    phone.engine = undefined;
    engine?.cut();
    await later();
    await expect(mover.move(call, 'soft')).rejects.toMatchObject({ code: 'not-connected' });
    expect(desk.bridge.asked).toEqual([]);
  });

  it('is refused for a call that is there already', async () => {
    const call = talkingThere();
    await expect(mover.move(call, 'desk')).rejects.toMatchObject({ code: 'wrong-state' });
  });
});
