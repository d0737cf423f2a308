import type { HeadsetButton } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { fakePhone, type FakePhone } from '../support/fake-phone.ts';

async function press(fake: FakePhone, button: HeadsetButton): Promise<void> {
  fake.engine?.emit('headset.button', { button });
  await fake.clock.advance(0);
}

async function talking(fake: FakePhone, from: string) {
  const sip = fake.account.ring(from);
  await fake.clock.advance(0);
  await press(fake, 'hook');
  await sip.establish();
  await fake.clock.advance(0);
  const session = fake.phone.manager.list().at(-1);
  if (session === undefined) throw new Error('no call');
  return { sip, session };
}

describe('the hook of a headset', () => {
  it('takes the call that rings, and hangs up the one that is talked on', async () => {
    const fake = await fakePhone();
    const { sip, session } = await talking(fake, 'sip:bob@example.com');
    expect(session.call.phase).toBe('established');
    await press(fake, 'hook');
    expect(sip.log).toEqual(['answer', 'hangup']);
  });

  it('takes a second call before it ends the first, and takes the held one up when that is over', async () => {
    const fake = await fakePhone();
    const first = await talking(fake, 'sip:bob@example.com');
    const second = await talking(fake, 'sip:carol@example.com');
    expect(first.session.call.hold.wanted).toBe(true);
    await press(fake, 'hook');
    second.sip.endWith({ by: 'local', status: 200, reason: 'ended' });
    await fake.clock.advance(0);
    expect(fake.phone.manager.list()).toEqual([first.session]);
    await press(fake, 'hook');
    expect(first.session.call.hold.wanted).toBe(false);
  });

  it('hangs up what is dialled, and does nothing without a call', async () => {
    const fake = await fakePhone();
    await press(fake, 'hook');
    const [line] = fake.phone.lines;
    if (line === undefined) throw new Error('no line');
    const session = fake.phone.manager.dial(line, 'bob');
    await fake.clock.advance(0);
    await press(fake, 'hook');
    expect(session.call).toMatchObject({ phase: 'ended', answeredAt: undefined });
  });
});

describe('other buttons of a headset', () => {
  it('mute and let be heard again', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake, 'sip:bob@example.com');
    await press(fake, 'mute');
    expect(session.call.muted).toBe(true);
    await press(fake, 'mute');
    expect(session.call.muted).toBe(false);
  });

  it('take only, or end only', async () => {
    const fake = await fakePhone();
    const refused = fake.account.ring('sip:bob@example.com');
    await fake.clock.advance(0);
    await press(fake, 'hangup');
    expect(refused.log).toEqual(['reject 486']);
    refused.endWith({ by: 'local', status: 486, reason: 'Busy Here' });
    await fake.clock.advance(0);
    const { sip } = await talking(fake, 'sip:carol@example.com');
    await press(fake, 'pickup');
    expect(sip.log).toEqual(['answer']);
  });
});
