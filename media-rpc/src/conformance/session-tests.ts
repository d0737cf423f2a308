import { describe, expect, it } from 'vitest';
import type { EngineTests } from '../conformance.ts';
import { audioLine, refusal } from './session-driver.ts';

/** Sessions as resources: ids, revisions, repetition, closing, snapshot. */
export const sessionTests: EngineTests = (engine) => {
  describe('session.open', () => {
    it('gives a description and the session', async () => {
      const { sdp, session } = await engine().open('s', engine().offer());
      expect(session).toMatchObject({ id: 's', revision: 1, state: 'offered', muted: false });
      expect(session.localSdp).toBe(sdp);
      expect(session.local?.port).toBe(audioLine(sdp).port);
    });

    it('gives the same description when it is repeated', async () => {
      const first = await engine().open('s', engine().offer());
      const again = await engine().open('s', engine().offer());
      expect(again.sdp).toBe(first.sdp);
      const { sessions } = await engine().client.call('snapshot', {});
      expect(sessions).toHaveLength(1);
    });

    it('gives the same description when it is repeated before the first is done', async () => {
      const [first, again] = await Promise.all([
        engine().open('s', engine().offer()),
        engine().open('s', engine().offer()),
      ]);
      expect(again.sdp).toBe(first.sdp);
    });

    it('gives the same answer when it is repeated', async () => {
      const step = engine().answer(engine().peerSdp());
      const first = await engine().open('s', step);
      const again = await engine().open('s', step);
      expect(again.sdp).toBe(first.sdp);
      expect(again.session.state).toBe('active');
    });

    it('is refused with a revision that the session is past', async () => {
      await engine().open('s', engine().offer(), { revision: 3 });
      expect(await refusal(engine().open('s', engine().offer(), { revision: 2 }))).toBe(
        'stale-revision',
      );
    });

    it('begins with an offer or an answer, and leaves nothing behind when it does not', async () => {
      const answer = engine().peerSdp();
      expect(await refusal(engine().open('s', engine().accept(answer)))).toBe('wrong-state');
      expect(await refusal(engine().open('s', { type: 'rollback' }))).toBe('wrong-state');
      expect(await refusal(engine().get('s'))).toBe('unknown-session');
    });

    it('gives each session a port of its own', async () => {
      const opened = await Promise.all(
        ['a', 'b', 'c'].map((id) => engine().open(id, engine().offer())),
      );
      const ports = opened.map(({ sdp }) => audioLine(sdp).port);
      expect(new Set(ports).size).toBe(3);
      expect(Math.min(...ports)).toBeGreaterThan(0);
    });

    it('keeps the label that the person is shown', async () => {
      const { session } = await engine().open('s', engine().offer(), {
        options: { label: 'sip:bob@example.com' },
      });
      expect(session.label).toBe('sip:bob@example.com');
    });
  });

  describe('session.update', () => {
    it('gives the result of the first time when the revision is repeated', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      const answer = engine().accept(engine().answerTo(sdp));
      await engine().update('s', 2, answer);
      const again = await engine().update('s', 2, answer);
      expect(again.session).toMatchObject({ revision: 2, state: 'active' });
      const offer = await engine().update('s', 3, engine().offer('sendonly', 2));
      const repeated = await engine().update('s', 3, engine().offer('sendonly', 2));
      expect(repeated.sdp).toBe(offer.sdp);
    });

    it('does not carry out a repeated revision a second time, whatever it says now', async () => {
      await engine().establish('s');
      const offer = await engine().update('s', 3, engine().offer('sendonly', 2));
      const other = await engine().update('s', 3, engine().offer('inactive', 9));
      expect(other.sdp).toBe(offer.sdp);
    });

    it('takes a revision that is higher by more than one', async () => {
      const { sdp } = await engine().open('s', engine().offer(), { revision: 5 });
      const accept = engine().accept(engine().answerTo(sdp));
      const { session } = await engine().update('s', 50, accept);
      expect(session).toMatchObject({ revision: 50, state: 'active' });
    });

    it('is refused with a lower revision, and changes nothing', async () => {
      await engine().establish('s');
      const before = await engine().get('s');
      expect(await refusal(engine().update('s', 1, engine().offer('inactive', 2)))).toBe(
        'stale-revision',
      );
      expect(await engine().get('s')).toEqual(before);
    });

    it('is refused for a session that is not there', async () => {
      expect(await refusal(engine().update('nobody', 1, engine().offer()))).toBe('unknown-session');
    });

    it('leaves session and revision as they were when it fails', async () => {
      await engine().establish('s');
      const before = await engine().get('s');
      const bad = engine().answer('v=0\r\nnonsense', 'sendrecv', 2);
      expect(await refusal(engine().update('s', 3, bad))).toBe('invalid-sdp');
      expect(await engine().get('s')).toEqual(before);
      const { session } = await engine().update('s', 3, engine().offer('sendrecv', 2));
      expect(session.revision).toBe(3);
    });
  });

  describe('session.close', () => {
    it('ends the session, and may be repeated', async () => {
      await engine().establish('s');
      for (let round = 0; round < 2; round++) {
        expect(await engine().client.call('session.close', { id: 's' })).toEqual({});
      }
      expect(await refusal(engine().get('s'))).toBe('unknown-session');
      expect(await refusal(engine().update('s', 9, engine().offer()))).toBe('unknown-session');
      expect(await refusal(engine().client.call('session.stats', { id: 's' }))).toBe(
        'unknown-session',
      );
    });

    it('takes a session that was never there for closed', async () => {
      expect(await engine().client.call('session.close', { id: 'nobody' })).toEqual({});
    });

    it('frees what the session had', async () => {
      for (let round = 0; round < 20; round++) {
        await engine().open('s', engine().offer());
        await engine().client.call('session.close', { id: 's' });
      }
      const { session } = await engine().open('s', engine().offer());
      expect(session.revision).toBe(1);
    });

    it('leaves the other sessions alone', async () => {
      const before = await engine().establish('stays');
      await engine().establish('goes');
      await engine().client.call('session.close', { id: 'goes' });
      expect(await engine().get('stays')).toMatchObject({
        state: 'active',
        revision: before.revision,
        localSdp: before.localSdp,
      });
    });
  });

  describe('snapshot', () => {
    it('has every session, each as session.get gives it', async () => {
      expect((await engine().client.call('snapshot', {})).sessions).toEqual([]);
      await engine().open('a', engine().offer());
      await engine().establish('b');
      const { engine: instance, sessions, leaseMs } = await engine().client.call('snapshot', {});
      expect(instance.length).toBeGreaterThan(0);
      expect(leaseMs).toBeGreaterThanOrEqual(0);
      expect(sessions.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([
        await engine().get('a'),
        await engine().get('b'),
      ]);
    });
  });

  describe('lease.set', () => {
    it('grants what was asked, or less', async () => {
      const { ms } = await engine().client.call('lease.set', { ms: 5000 });
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(5000);
      expect((await engine().client.call('snapshot', {})).leaseMs).toBe(ms);
    });
  });
};
