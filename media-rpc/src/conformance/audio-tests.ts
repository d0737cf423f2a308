import { describe, expect, it } from 'vitest';
import type { EngineTests } from '../conformance.ts';
import { refusal } from './session-driver.ts';

/** What a guest can do with the audio of a session, and with the thin client's devices. */
export const audioTests: EngineTests = (engine) => {
  describe('session.conference', () => {
    const put = (id: string, conference: string | null) =>
      engine().client.call('session.conference', { id, conference });

    it('puts a session into a conference, into another, and out of it; it may be repeated', async () => {
      await engine().establish('s');
      expect((await engine().get('s')).conference).toBeUndefined();
      for (const conference of ['c1', 'c1', 'c2']) {
        expect(await put('s', conference)).toMatchObject({ id: 's', conference });
        expect((await engine().get('s')).conference).toBe(conference);
      }
      for (const _again of [1, 2]) expect((await put('s', null)).conference).toBeUndefined();
    });

    it('outlasts a new offer and its answer', async () => {
      await engine().establish('s');
      await put('s', 'c1');
      const { sdp } = await engine().update('s', 3, engine().offer('sendrecv', 2));
      const accept = engine().accept(engine().answerTo(sdp ?? '', { version: 2 }));
      expect((await engine().update('s', 4, accept)).session.conference).toBe('c1');
    });

    it('is refused for a session that is not there', async () => {
      expect(await refusal(put('nobody', 'c1'))).toBe('unknown-session');
    });
  });

  describe('session.record', () => {
    const record = (id: string, state: 'recording' | 'paused' | 'stopped') =>
      engine().client.call('session.record', { id, state });

    it('begins, pauses, goes on and ends in one file; each may be repeated', async () => {
      await engine().establish('s');
      expect((await engine().get('s')).recording).toBeUndefined();
      const file = (await record('s', 'recording')).recording?.file;
      expect(file).toMatch(/^[^/]+$/u);
      for (const state of ['recording', 'paused', 'paused', 'recording', 'stopped', 'stopped']) {
        const { recording } = await record('s', state as 'recording');
        expect(recording).toMatchObject({ state, file });
        expect((await engine().get('s')).recording).toEqual(recording);
      }
      expect((await engine().get('s')).recording).toMatchObject({ reason: 'guest' });
    });

    it('outlasts a new offer and its answer', async () => {
      await engine().establish('s');
      await record('s', 'recording');
      const { sdp } = await engine().update('s', 3, engine().offer('sendrecv', 2));
      const accept = engine().accept(engine().answerTo(sdp ?? '', { version: 2 }));
      expect((await engine().update('s', 4, accept)).session.recording?.state).toBe('recording');
    });

    it('is refused without audio, a pause without a recording, and for no session', async () => {
      await engine().open('early', engine().offer());
      expect(await refusal(record('early', 'recording'))).toBe('wrong-state');
      await engine().establish('s');
      expect(await refusal(record('s', 'paused'))).toBe('wrong-state');
      expect((await record('s', 'stopped')).recording).toBeUndefined();
      expect(await refusal(record('nobody', 'recording'))).toBe('unknown-session');
    });
  });

  describe('session.mute', () => {
    it('mutes and unmutes, and may be repeated', async () => {
      await engine().establish('s');
      for (const muted of [true, true, false, false]) {
        const session = await engine().client.call('session.mute', { id: 's', muted });
        expect(session).toMatchObject({ id: 's', muted });
        expect((await engine().get('s')).muted).toBe(muted);
      }
    });

    it('outlasts a new offer and its answer', async () => {
      await engine().establish('s');
      await engine().client.call('session.mute', { id: 's', muted: true });
      const { sdp } = await engine().update('s', 3, engine().offer('sendrecv', 2));
      const accept = engine().accept(engine().answerTo(sdp ?? '', { version: 2 }));
      expect((await engine().update('s', 4, accept)).session.muted).toBe(true);
    });

    it('is refused for a session that is not there', async () => {
      const mute = engine().client.call('session.mute', { id: 'nobody', muted: true });
      expect(await refusal(mute)).toBe('unknown-session');
    });
  });

  describe('session.dtmf', () => {
    const press = (command: string, method: 'rfc4733' | 'inband' = 'rfc4733') =>
      engine().client.call('session.dtmf', {
        id: 's',
        command,
        digits: '5',
        method,
        durationMs: 50,
        gapMs: 30,
      });

    it('is sent by telephone-event, and resolves when repeated', async () => {
      await engine().establish('s');
      expect(await press('one')).toEqual({});
      expect(await press('one')).toEqual({});
    });

    it('is sent in the audio where the peer takes no telephone-event', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      const answer = engine().answerTo(sdp, { formats: '8' });
      await engine().update('s', 2, engine().accept(answer));
      expect(await refusal(press('one'))).toBe('wrong-state');
      expect(await press('two', 'inband')).toEqual({});
    });

    it('is refused before anything is agreed, and for a session that is not there', async () => {
      expect(await refusal(press('one'))).toBe('unknown-session');
      await engine().open('s', engine().offer());
      expect(await refusal(press('one'))).toBe('wrong-state');
    });
  });

  describe('statistics', () => {
    it('are there for a session at any time', async () => {
      await engine().open('s', engine().offer());
      expect(await engine().client.call('session.stats', { id: 's' })).toMatchObject({ id: 's' });
      await engine().update('s', 2, engine().accept(engine().peerSdp()));
      const stats = await engine().client.call('session.stats', { id: 's' });
      expect(stats).toMatchObject({ id: 's', codec: 'PCMA' });
    });

    it('come as events when they are subscribed to, and stop', async () => {
      await engine().establish('s');
      await engine().client.call('stats.subscribe', { intervalMs: 100 });
      const sent = await engine().event(
        'session.stats',
        ({ id, tx }) => id === 's' && tx.packets > 0,
      );
      expect(sent.tx.bytes).toBeGreaterThan(0);
      expect(await engine().client.call('stats.subscribe', { intervalMs: 0 })).toEqual({});
    });
  });

  describe('tones', () => {
    it('play and stop, however often they are told to', async () => {
      const play = { id: 't', kind: 'ringback' } as const;
      expect(await engine().client.call('tone.play', play)).toEqual({});
      expect(await engine().client.call('tone.play', play)).toEqual({});
      expect(await engine().client.call('tone.stop', { id: 't' })).toEqual({});
      expect(await engine().client.call('tone.stop', { id: 't' })).toEqual({});
      expect(await engine().client.call('tone.stop', { id: 'never' })).toEqual({});
    });

    it.each(['ring', 'busy', 'congestion', 'callwaiting', 'dial', 'error'] as const)(
      'can be %s of a country',
      async (kind) => {
        await engine().client.call('tone.play', { id: 't', kind, country: 'de', durationMs: 50 });
        expect(await engine().client.call('tone.stop', { id: 't' })).toEqual({});
      },
    );
  });

  describe('devices', () => {
    it('are listed, with one selected for each role', async () => {
      const { devices, selected } = await engine().client.call('devices.list', {});
      expect(Object.keys(selected).toSorted()).toEqual(['input', 'output', 'ringer']);
      expect(new Set(devices.map(({ id }) => id)).size).toBe(devices.length);
    });

    it('can be selected, and the selection shows', async () => {
      const { selected } = await engine().client.call('devices.list', {});
      const id = selected['output'] ?? '';
      expect(await engine().client.call('devices.select', { role: 'output', id })).toEqual({});
      expect((await engine().client.call('devices.list', {})).selected['output']).toBe(id);
    });

    it('that do not exist are refused, and the selection stays', async () => {
      const before = await engine().client.call('devices.list', {});
      const id = 'pulse:no-such-device';
      const select = engine().client.call('devices.select', { role: 'input', id });
      expect(await refusal(select)).toBe('no-such-device');
      expect((await engine().client.call('devices.list', {})).selected).toEqual(before.selected);
    });

    it('send the voice processed as is wished, and may be told so again', async () => {
      const wishes = {
        echoCancellation: 'on',
        noiseSuppression: 'low',
        gainControl: 'off',
      } as const;
      for (const wish of [wishes, wishes, { echoCancellation: 'auto' } as const, {}]) {
        expect(await engine().client.call('audio.voice', wish)).toEqual({});
      }
    });

    it('have a volume for each role', async () => {
      for (const role of ['input', 'output', 'ringer'] as const) {
        expect(await engine().client.call('audio.volume', { role, volume: 0.5 })).toEqual({});
      }
    });
  });
};
