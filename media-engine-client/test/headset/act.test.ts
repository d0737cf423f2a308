import { describe, expect, it } from 'vitest';
import { HEADSET_BUTTONS } from '@offhook/media-rpc';
import { peerSdp } from '../sdp/support.ts';
import { origin, startTestEngine, TestGuest, type TestEngine } from '../support/engine.ts';

/** A guest that knows of buttons, as one of the last release did not. */
function phone({ engine }: TestEngine, instance: string): TestGuest {
  return new TestGuest(engine.attach({ instance, local: false }, undefined, [HEADSET_BUTTONS]));
}

const open = (guest: TestGuest, id: string) =>
  guest.call('session.open', {
    id,
    revision: 1,
    step: { type: 'answer', offer: peerSdp(), direction: 'sendrecv', origin },
  });

const told = (guest: TestGuest) => guest.of('headset.button').map(({ button }) => button);

describe('a button at the headset', () => {
  it('goes to the guest whose call is heard, or to the one where it rings', async () => {
    const test = await startTestEngine();
    const [work, home] = [phone(test, 'work'), phone(test, 'home')];
    await open(work, 'first');
    await open(home, 'second');
    test.engine.press('hook');
    expect([told(work), told(home)]).toEqual([[], ['hook']]);
    await work.call('tone.play', { id: 'ring', kind: 'callwaiting' });
    test.engine.press('hook');
    // Whom one does not want to hear one: the call that is heard, not the one that rings.
    test.engine.press('mute');
    expect([told(work), told(home)]).toEqual([['hook'], ['hook', 'mute']]);
  });

  it('goes to one guest only where there is no call', async () => {
    const test = await startTestEngine();
    const [work, home] = [phone(test, 'work'), phone(test, 'home')];
    await work.call('guest.use', { active: false });
    test.engine.press('pickup');
    expect([told(work), told(home)]).toEqual([[], ['pickup']]);
  });

  it('hangs up and mutes here when the guest is away, or too old to know of buttons', async () => {
    const test = await startTestEngine();
    const away = phone(test, 'away');
    await open(away, 'one');
    await test.engine.detach(away.view);
    const [one] = test.engine.sessions.table.all;
    test.engine.press('mute');
    await expect.poll(() => one?.state.locallyMuted).toBe(true);
    test.engine.press('mute');
    await expect.poll(() => one?.state.locallyMuted).toBe(false);
    test.engine.press('pickup');
    test.engine.press('hook');
    await expect.poll(() => one?.state.state).toBe('closed');

    const old = test.guest('old');
    await open(old, 'two');
    test.engine.press('hangup');
    await expect.poll(() => old.of('session.hangup')).toEqual([{ id: 'two' }]);
  });

  it('lets the person be heard again who was muted here', async () => {
    const test = await startTestEngine();
    const guest = phone(test, 'guest');
    await open(guest, 'one');
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.mute(session, { locallyMuted: true });
    test.engine.press('mute');
    await expect.poll(() => session.state.locallyMuted).toBe(false);
    expect(told(guest)).toEqual([]);
  });

  it('changes the volume of what is heard, within bounds', async () => {
    const test = await startTestEngine();
    const { devices } = test.engine;
    const guest = phone(test, 'guest');
    test.engine.press('volume-up');
    expect(devices.volume('output')).toBe(1.1);
    for (let times = 0; times < 30; times++) test.engine.press('volume-up');
    expect(devices.volume('output')).toBe(2);
    await guest.call('tone.play', { id: 'ring', kind: 'ring' });
    for (let times = 0; times < 30; times++) test.engine.press('volume-down');
    expect([devices.volume('output'), devices.volume('ringer')]).toEqual([2, 0]);
    await open(guest, 'one');
    test.engine.press('volume-down');
    expect(devices.volume('output')).toBe(1.9);
  });

  it('leaves the volume alone where the desktop environment has it', async () => {
    const test = await startTestEngine({ config: { headset: { volume: false } } });
    test.engine.press('volume-up');
    expect(test.engine.devices.volume('output')).toBe(1);
  });
});
