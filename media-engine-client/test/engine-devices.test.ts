import { OffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { peerSdp } from './sdp/support.ts';
import { origin, startTestEngine, type TestEngine, type TestGuest } from './support/engine.ts';

const open = (guest: TestGuest, id: string, direction: 'sendrecv' | 'sendonly' = 'sendrecv') =>
  guest.call('session.open', {
    id,
    revision: 1,
    step: { type: 'answer', offer: peerSdp(), direction, origin },
  });

const refusedWith = (code: string) => expect.objectContaining({ layer: 'engine', code });

/** Which calls are heard, by session id. */
function live({ engine, plane }: TestEngine): string[] {
  return engine.sessions.table.all
    .filter(({ sockets }) => {
      const leg = plane.worker.legs.get(sockets.id);
      return leg !== undefined && !leg.muted && leg.output !== 'null';
    })
    .map(({ id }) => id);
}

describe('one microphone for several calls', () => {
  it('belongs to the call that was taken last; the others are silent and not heard', async () => {
    const test = await startTestEngine();
    const [work, home] = [test.guest('work'), test.guest('home')];
    await open(work, 'first');
    await open(home, 'second');
    expect(live(test)).toEqual(['second']);
    expect(work.of('session.changed').at(-1)).toMatchObject({ id: 'first', background: true });
    expect((await home.call('session.get', { id: 'second' })).background).toBeUndefined();
  });

  it('goes back to the call taken before when the last one ends, and the guest is told', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 'first');
    await open(guest, 'second');
    await guest.call('session.close', { id: 'second' });
    expect(live(test)).toEqual(['first']);
    expect(guest.of('session.changed').at(-1)).not.toHaveProperty('background');
  });

  it('passes over calls on hold, and comes to the one that is resumed', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 'first');
    await open(guest, 'second');
    const hold = (id: string, revision: number, direction: 'sendonly' | 'sendrecv') =>
      guest.call('session.update', {
        id,
        revision,
        step: { type: 'answer', offer: peerSdp(), direction, origin },
      });
    await hold('second', 2, 'sendonly');
    expect(live(test)).toEqual(['first']);
    await hold('second', 3, 'sendrecv');
    expect(live(test)).toEqual(['second']);
  });

  it('can be given to a call by the person', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 'first');
    await open(guest, 'second');
    const first = test.engine.sessions.table.find('guest-1', 'first');
    expect(first).toBeDefined();
    if (first !== undefined) await test.engine.sessions.takeOver(first);
    expect(live(test)).toEqual(['first']);
  });

  it('is no concern where nobody speaks or listens: tones and files', async () => {
    const test = await startTestEngine({
      config: { audio: { input: 'tone:440', output: 'file:/tmp/x.wav' } },
    });
    const guest = test.guest();
    await open(guest, 'first');
    await open(guest, 'second');
    expect(live(test)).toEqual(['first', 'second']);
  });
});

describe('the person at the thin client', () => {
  it('mutes a call, which its guest cannot undo', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 'call');
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.mute(session, { locallyMuted: true });
    await guest.call('session.mute', { id: 'call', muted: false });
    expect(live(test)).toEqual([]);
    await test.engine.sessions.mute(session, { locallyMuted: false });
    expect(live(test)).toEqual(['call']);
  });

  it('hangs up: the audio ends at once, and the guest hears of it, if need be later', async () => {
    const { engine, plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice, 'call');
    await engine.detach(alice.view);
    const [session] = engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await engine.sessions.hangUp(session);
    expect(plane.worker.legs.size).toBe(0);

    const again = guest();
    expect((await again.call('snapshot', {})).sessions).toMatchObject([{ state: 'closed' }]);
    await expect(open(again, 'call')).resolves.toMatchObject({ session: { state: 'closed' } });
    await again.call('session.close', { id: 'call' });
    expect(plane.worker.sockets.size).toBe(0);
    expect((await again.call('snapshot', {})).sessions).toEqual([]);
  });
});

describe('devices', () => {
  it('are those of the worker, with what is configured and always there', async () => {
    const { guest } = await startTestEngine({ config: { audio: { input: 'tone:440' } } });
    const { devices, selected } = await guest().call('devices.list', {});
    expect(devices.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['pulse:headset', 'default', 'null', 'tone:440']),
    );
    expect(selected).toEqual({ input: 'tone:440', output: 'default', ringer: 'default' });
  });

  it('can be changed in a call, and every guest is told', async () => {
    const { plane, guest } = await startTestEngine();
    const [alice, bob] = [guest('alice'), guest('bob')];
    await open(alice, 'call');
    await alice.call('devices.select', { role: 'output', id: 'pulse:headset' });
    expect([...plane.worker.legs.values()]).toMatchObject([{ output: 'pulse:headset' }]);
    expect(bob.of('devices.changed')).toMatchObject([{ selected: { output: 'pulse:headset' } }]);
  });

  it('of a guest are no files and no tones, and none that are not there', async () => {
    const { guest } = await startTestEngine();
    for (const id of ['file:/etc/passwd', 'tone:440', 'pulse:unplugged', 'echo']) {
      const select = guest().call('devices.select', { role: 'input', id });
      await expect(select).rejects.toEqual(refusedWith('no-such-device'));
    }
  });

  it('of the person may be a file, but not one that makes no sense', async () => {
    const { engine } = await startTestEngine();
    await engine.devices.select('output', 'file:/tmp/heard.wav', 'person');
    expect(engine.devices.selected('output')).toBe('file:/tmp/heard.wav');
    await expect(engine.devices.select('output', 'tone:440', 'person')).rejects.toEqual(
      refusedWith('no-such-device'),
    );
  });

  it('are left to the person where the policy says so', async () => {
    const { guest } = await startTestEngine({
      config: { policy: { guests_select_devices: false } },
    });
    const select = guest().call('devices.select', { role: 'output', id: 'pulse:headset' });
    await expect(select).rejects.toEqual(refusedWith('not-allowed'));
  });

  it('that come and go are told of', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    const devices = [{ id: 'pulse:new', name: 'New', roles: ['output' as const], present: true }];
    plane.emit('devicesChanged', { devices });
    expect(alice.of('devices.changed')[0]?.devices.map(({ id }) => id)).toContain('pulse:new');
  });

  it('have a volume, which the worker is told', async () => {
    const { plane, engine, guest } = await startTestEngine();
    await guest().call('audio.volume', { role: 'output', volume: 0.5 });
    expect(plane.worker.volumes.get('output')).toBe(0.5);
    // The person here has a volume of its own: neither undoes the other's silence.
    await engine.devices.setVolume('output', 0.5, 'person');
    expect(plane.worker.volumes.get('output')).toBe(0.25);
    await engine.devices.setVolume('output', 0, 'person');
    await guest().call('audio.volume', { role: 'output', volume: 4 });
    expect(plane.worker.volumes.get('output')).toBe(0);
    await engine.devices.setVolume('output', 2, 'person');
    expect(plane.worker.volumes.get('output')).toBe(4);
  });

  it('that stand in for others are told to the guests', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    plane.emit('standIns', { standIns: { output: 'default' } });
    expect(alice.of('devices.changed').at(-1)?.standIns).toStrictEqual({ output: 'default' });
    expect((await alice.call('devices.list', {})).standIns).toStrictEqual({ output: 'default' });
    plane.emit('standIns', { standIns: {} });
    expect(alice.of('devices.changed').at(-1)?.standIns).toStrictEqual({});
  });
});

describe('the voice', () => {
  const voiceOf = ({ plane }: TestEngine) => [...plane.worker.legs.values()][0]?.voice;
  const headset = {
    id: 'pulse:headset',
    name: 'Headset',
    roles: ['input' as const, 'output' as const, 'ringer' as const],
    present: true,
    formFactor: 'headset',
  };

  it('is processed while the loudspeaker can be heard, and sent as it is with a headset', async () => {
    const test = await startTestEngine({ config: { audio: { output: 'pulse:headset' } } });
    await open(test.guest(), 's');
    expect(voiceOf(test)).toMatchObject({ echoCancellation: true, noiseSuppression: 'moderate' });
    test.plane.emit('devicesChanged', { devices: [headset] });
    await expect.poll(() => voiceOf(test)?.echoCancellation).toBe(false);
    // It is unplugged, and the loudspeaker of the monitor plays.
    test.plane.emit('standIns', { standIns: { output: 'default' } });
    await expect.poll(() => voiceOf(test)?.echoCancellation).toBe(true);
  });

  it('is processed as the person says, then as a guest says, then as is configured', async () => {
    const test = await startTestEngine({ config: { audio: { noise_suppression: 'low' } } });
    const guest = test.guest();
    await open(guest, 's');
    expect(voiceOf(test)?.noiseSuppression).toBe('low');
    await guest.call('audio.voice', { noiseSuppression: 'high', echoCancellation: 'off' });
    await expect.poll(() => voiceOf(test)?.noiseSuppression).toBe('high');
    await test.engine.devices.setVoice({ noiseSuppression: 'off' }, 'person');
    await guest.call('audio.voice', { noiseSuppression: 'high' });
    await expect
      .poll(() => voiceOf(test))
      .toMatchObject({ noiseSuppression: 'off', echoCancellation: false });
    await test.engine.devices.setVoice({ noiseSuppression: 'auto' }, 'person');
    await expect.poll(() => voiceOf(test)?.noiseSuppression).toBe('high');
  });

  it('costs nothing while nobody hears it', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 's');
    expect(voiceOf(test)).toBeDefined();
    await guest.call('session.mute', { id: 's', muted: true });
    await expect.poll(() => voiceOf(test)).toBeUndefined();
  });
});

describe('tones', () => {
  it('ring at the ringer and sound at the speaker, by the country asked for or the local one', async () => {
    const { plane, guest } = await startTestEngine({
      config: { audio: { ringer: 'pulse:headset', country: 'us' } },
    });
    const alice = guest();
    await alice.call('tone.play', { id: 'r', kind: 'ring' });
    await alice.call('tone.play', { id: 'b', kind: 'busy' });
    await alice.call('tone.play', { id: 'd', kind: 'busy', country: 'DE' });
    const [ring, busy, german] = [...plane.worker.tones.values()];
    expect(ring?.device).toBe('pulse:headset');
    expect(busy).toMatchObject({
      device: 'default',
      tone: { steps: [{ frequencies: [480, 620] }, {}] },
    });
    expect(german).toMatchObject({ tone: { steps: [{ frequencies: [425], ms: 480 }, {}] } });
  });

  it('start once however often they are played, stop when told to, or after their time', async () => {
    const { plane, guest, clock } = await startTestEngine();
    const alice = guest();
    await alice.call('tone.play', { id: 't', kind: 'ringback' });
    await alice.call('tone.play', { id: 't', kind: 'ringback' });
    expect(plane.calls.filter((call) => call.startsWith('playTone'))).toHaveLength(1);
    await alice.call('tone.play', { id: 't', kind: 'busy' });
    expect(plane.worker.tones.size).toBe(1);
    await alice.call('tone.stop', { id: 't' });
    await alice.call('tone.stop', { id: 't' });
    expect(plane.worker.tones.size).toBe(0);
    await alice.call('tone.play', { id: 't', kind: 'busy', durationMs: 3000 });
    await clock.advance(2900);
    expect(plane.worker.tones.size).toBe(1);
    await clock.advance(200);
    expect(plane.worker.tones.size).toBe(0);
  });

  it('end with the connection that asked for them, and do not disturb those of others', async () => {
    const { engine, plane, guest } = await startTestEngine();
    const [alice, bob] = [guest('alice'), guest('bob')];
    await alice.call('tone.play', { id: 't', kind: 'ring' });
    await bob.call('tone.play', { id: 't', kind: 'ring' });
    await engine.detach(alice.view);
    expect([...plane.worker.tones.keys()]).toHaveLength(1);
    await engine.detach(bob.view);
    expect(plane.worker.tones.size).toBe(0);
  });

  it('are limited in number, and say so when their device fails', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    plane.failures.set('playTone', new OffhookError('device', 'gone', 'no such sink'));
    await expect(alice.call('tone.play', { id: 't', kind: 'ring' })).rejects.toEqual(
      refusedWith('device-failed'),
    );
    for (let n = 0; n < 8; n++) await alice.call('tone.play', { id: `t${n}`, kind: 'busy' });
    await expect(alice.call('tone.play', { id: 't9', kind: 'busy' })).rejects.toEqual(
      refusedWith('limit-reached'),
    );
  });
});

describe('a leg that cannot be made', () => {
  it('shows as recovering when that turns out too late, and is tried again', async () => {
    const test = await startTestEngine();
    const guest = test.guest();
    await open(guest, 'call');
    test.plane.failures.set('setLeg', new OffhookError('device', 'busy', 'device is busy'));
    await guest.call('session.mute', { id: 'call', muted: true });
    await expect.poll(() => guest.of('session.changed')).toMatchObject([{ state: 'recovering' }]);
    await test.clock.advance(1100);
    expect(guest.of('session.changed').at(-1)).toMatchObject({ state: 'active' });
    expect([...test.plane.worker.legs.values()]).toMatchObject([{ muted: true }]);
  });
});
