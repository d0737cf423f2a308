import { describe, expect, it } from 'vitest';
import type { EngineTests } from '../conformance.ts';
import { attributes, audioLine, refusal, family, ORIGIN } from './session-driver.ts';

const SUITE_KEY = 'a'.repeat(40);
const CRYPTO = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${SUITE_KEY}`;

/** Offer and answer: RFC 3264, RFC 8866, RFC 4568. */
export const negotiationTests: EngineTests = (engine) => {
  describe('an offer', () => {
    it('is SDP with an address, a port, codecs and the direction asked for', async () => {
      const { sdp } = await engine().open('s', engine().offer('recvonly'));
      expect(sdp).toMatch(/^v=0\r\no=/);
      expect(sdp).toMatch(/\r\nc=IN IP[46] \S+\r\n/);
      expect(sdp).toMatch(/\r\nt=\d+ \d+\r\n/);
      expect(audioLine(sdp).port).toBeGreaterThan(0);
      expect(sdp).toContain('\r\na=recvonly\r\n');
    });

    it('carries exactly the o= session id and version that the guest passes', async () => {
      const { sdp } = await engine().open('s', engine().offer('sendrecv', 41));
      const line = `o=${ORIGIN.username} ${ORIGIN.sessionId}`;
      expect(sdp).toContain(`${line} 41 IN IP`);
      await engine().update('s', 2, engine().accept(engine().answerTo(sdp)));
      const again = await engine().update('s', 3, engine().offer('sendonly', 42));
      expect(again.sdp).toContain(`${line} 42 IN IP`);
    });

    it('has the codecs asked for, in their order, and no other', async () => {
      const { sdp } = await engine().open('s', engine().offer(), {
        options: { codecs: ['PCMU', 'G722'], telephoneEvent: false },
      });
      expect(audioLine(sdp).formats).toEqual(['0', '9']);
      expect(attributes(sdp, 'rtpmap').filter((map) => map.includes('telephone-event'))).toEqual(
        [],
      );
    });

    it('has telephone-event unless it is not wanted', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      const maps = attributes(sdp, 'rtpmap');
      expect(maps.some((map) => map.endsWith(' telephone-event/8000'))).toBe(true);
    });

    it('keeps port and address when it is made anew', async () => {
      const { local } = await engine().establish('s');
      const { sdp, session } = await engine().update('s', 3, engine().offer('sendonly', 2));
      expect(session.local).toEqual(local);
      expect(audioLine(sdp ?? '').port).toBe(local?.port);
    });

    it('has keys and RTP/SAVP when SRTP is required, and neither when it is off', async () => {
      const secure = await engine().open('a', engine().offer(), { options: { srtp: 'required' } });
      expect(audioLine(secure.sdp).protocol).toBe('RTP/SAVP');
      expect(attributes(secure.sdp, 'crypto').length).toBeGreaterThan(0);
      const plain = await engine().open('b', engine().offer(), { options: { srtp: 'off' } });
      expect(audioLine(plain.sdp).protocol).toBe('RTP/AVP');
      expect(attributes(plain.sdp, 'crypto')).toEqual([]);
    });

    it('is refused while another one is out', async () => {
      await engine().open('s', engine().offer());
      expect(await refusal(engine().update('s', 2, engine().offer('sendrecv', 2)))).toBe(
        'wrong-state',
      );
    });
  });

  describe('accept', () => {
    it('puts both descriptions in force', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      const answer = engine().answerTo(sdp);
      const { session } = await engine().update('s', 2, engine().accept(answer));
      const { address, port } = engine().peer;
      expect(session).toMatchObject({
        state: 'active',
        direction: 'sendrecv',
        remoteDirection: 'sendrecv',
        codec: 'PCMA',
        localSdp: sdp,
        remoteSdp: answer,
        remote: { address, port },
      });
    });

    it('of a provisional answer may be followed by that of another fork', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      const first = engine().answerTo(sdp, { version: 1 });
      await engine().update('s', 2, engine().accept(first, true));
      const second = engine().answerTo(sdp, { version: 2, direction: 'sendonly' });
      const { session } = await engine().update('s', 3, engine().accept(second));
      expect(session).toMatchObject({
        state: 'active',
        remoteSdp: second,
        remoteDirection: 'sendonly',
        direction: 'recvonly',
      });
    });

    it('of a provisional answer leaves the offer open to a roll-back', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      await engine().update('s', 2, engine().accept(engine().answerTo(sdp), true));
      const { session } = await engine().update('s', 3, { type: 'rollback' });
      expect(session.state).toBe('idle');
    });

    it('of another fork may come after the final answer: the last one counts', async () => {
      const { sdp } = await engine().open('s', engine().offer());
      await engine().update('s', 2, engine().accept(engine().answerTo(sdp)));
      const other = engine().answerTo(sdp, { version: 7 });
      const { session } = await engine().update('s', 3, engine().accept(other));
      expect(session).toMatchObject({ state: 'active', remoteSdp: other });
    });

    it('is refused when no offer of ours is out', async () => {
      await engine().open('s', engine().answer(engine().peerSdp()));
      const accept = engine().accept(engine().peerSdp());
      expect(await refusal(engine().update('s', 2, accept))).toBe('wrong-state');
    });

    it.each([
      ['nonsense', () => 'hello'],
      ['no c=', () => engine().peerSdp({ connection: false })],
      ['no audio', () => engine().peerSdp({ port: 0 })],
    ])('is refused for %s, and the offer stays out', async (_what, answer) => {
      const { sdp } = await engine().open('s', engine().offer());
      expect(await refusal(engine().update('s', 2, engine().accept(answer())))).toBe('invalid-sdp');
      expect((await engine().get('s')).state).toBe('offered');
      const good = engine().accept(engine().answerTo(sdp));
      expect((await engine().update('s', 2, good)).session.state).toBe('active');
    });

    it('is refused for an answer with none of our codecs', async () => {
      await engine().open('s', engine().offer());
      const answer = engine().peerSdp({ formats: '18' });
      expect(await refusal(engine().update('s', 2, engine().accept(answer)))).toBe(
        'no-common-codec',
      );
    });
  });

  describe('rollback', () => {
    it('of the first offer leaves a session with nothing agreed, which can offer again', async () => {
      await engine().open('s', engine().offer());
      const { session } = await engine().update('s', 2, { type: 'rollback' });
      expect(session).toMatchObject({ state: 'idle', revision: 2 });
      const again = await engine().update('s', 3, engine().offer('sendrecv', 2));
      expect(again.session.state).toBe('offered');
    });

    it('of a later offer returns to what was in force', async () => {
      const before = await engine().establish('s');
      await engine().update('s', 3, engine().offer('inactive', 2));
      const { session } = await engine().update('s', 4, { type: 'rollback' });
      expect(session).toMatchObject({
        state: 'active',
        direction: 'sendrecv',
        localSdp: before.localSdp,
        remoteSdp: before.remoteSdp,
      });
    });

    it('of an answer returns to what was in force, until the next step', async () => {
      const before = await engine().establish('s');
      const { localSdp: offer = '' } = before;
      const back = { type: 'rollback', of: 'answer' } as const;
      expect(await refusal(engine().update('s', 3, back))).toBe('wrong-state');
      await engine().update('s', 3, engine().answer(offer, 'inactive', 2));
      const { session } = await engine().update('s', 4, back);
      expect(session).toMatchObject({
        state: 'active',
        direction: 'sendrecv',
        localSdp: before.localSdp,
        remoteSdp: before.remoteSdp,
      });
      expect(await refusal(engine().update('s', 5, back))).toBe('wrong-state');
    });

    it('is refused when no offer is out', async () => {
      await engine().establish('s');
      expect(await refusal(engine().update('s', 3, { type: 'rollback' }))).toBe('wrong-state');
    });
  });

  describe('an answer', () => {
    it('takes a codec of the offer, with the payload type of the offer', async () => {
      const offer = engine().peerSdp({
        formats: '96 101',
        attributes: ['a=rtpmap:96 G722/8000'],
      });
      const { sdp, session } = await engine().open('s', engine().answer(offer));
      expect(audioLine(sdp).formats).toContain('96');
      expect(session).toMatchObject({ state: 'active', codec: 'G722', remoteSdp: offer });
    });

    it('carries the o= of the guest, and the t= of the offer', async () => {
      const offer = engine().peerSdp({ time: '0 0' });
      const { sdp } = await engine().open('s', engine().answer(offer, 'sendrecv', 6));
      expect(sdp).toContain(
        `o=${ORIGIN.username} ${ORIGIN.sessionId} 6 IN ${family(sdpAddress(sdp))}`,
      );
      expect(sdp).toContain('\r\nt=0 0\r\n');
    });

    it('has a media line for each of the offer, and refuses what is not audio', async () => {
      const offer = engine().peerSdp({
        before: ['m=video 40100 RTP/AVP 99', 'a=rtpmap:99 VP8/90000'],
        after: ['m=application 40200 UDP/BFCP *'],
      });
      const { sdp } = await engine().open('s', engine().answer(offer));
      const lines = [...sdp.matchAll(/^m=(\w+) (\d+)/gm)].map((match) => [match[1], match[2]]);
      expect(lines.map(([kind]) => kind)).toEqual(['video', 'audio', 'application']);
      expect(lines[0]?.[1]).toBe('0');
      expect(lines[2]?.[1]).toBe('0');
      expect(lines[1]?.[1]).not.toBe('0');
    });

    it.each([
      ['sendrecv', 'sendrecv', 'sendrecv'],
      ['sendonly', 'sendrecv', 'recvonly'],
      ['recvonly', 'sendrecv', 'sendonly'],
      ['inactive', 'sendrecv', 'inactive'],
      ['sendrecv', 'sendonly', 'sendonly'],
      ['sendonly', 'sendonly', 'inactive'],
    ] as const)('to %s, when we want %s, says %s', async (offered, wanted, agreed) => {
      const offer = engine().peerSdp({ direction: offered });
      const { sdp, session } = await engine().open('s', engine().answer(offer, wanted));
      expect(sdp).toContain(`\r\na=${agreed}\r\n`);
      expect(session).toMatchObject({ direction: agreed, remoteDirection: offered });
    });

    it('is refused while our own offer is out', async () => {
      await engine().open('s', engine().offer());
      const answer = engine().answer(engine().peerSdp(), 'sendrecv', 2);
      expect(await refusal(engine().update('s', 2, answer))).toBe('wrong-state');
    });

    it('may follow in a session that is active', async () => {
      await engine().establish('s');
      const hold = engine().peerSdp({ direction: 'sendonly', version: 2 });
      const { session } = await engine().update('s', 3, engine().answer(hold, 'sendrecv', 2));
      expect(session).toMatchObject({ direction: 'recvonly', remoteDirection: 'sendonly' });
    });

    it.each([
      ['nonsense', () => 'hello'],
      ['an empty body of lines', () => '\r\n\r\n'],
      ['no c=', () => engine().peerSdp({ connection: false })],
      ['no audio', () => 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n'],
      ['a port that is none', () => engine().peerSdp({ port: 70_000 })],
    ])('is refused to %s, and no session is left', async (_what, offer) => {
      expect(await refusal(engine().open('s', engine().answer(offer())))).toBe('invalid-sdp');
      expect(await refusal(engine().get('s'))).toBe('unknown-session');
    });

    it('is refused with no-common-codec, and no session is left', async () => {
      const offer = engine().peerSdp({ formats: '18 4' });
      expect(await refusal(engine().open('s', engine().answer(offer)))).toBe('no-common-codec');
      expect(await refusal(engine().get('s'))).toBe('unknown-session');
    });

    it('follows the policy for SRTP', async () => {
      const secure = engine().peerSdp({ protocol: 'RTP/SAVP', attributes: [CRYPTO] });
      const plain = engine().peerSdp();
      const required = { options: { srtp: 'required' } } as const;
      expect(await refusal(engine().open('a', engine().answer(secure)))).toBe('srtp-required');
      expect(await refusal(engine().open('b', engine().answer(plain), required))).toBe(
        'srtp-required',
      );
      const { sdp, session } = await engine().open('c', engine().answer(secure), required);
      expect(session.srtp).toBe('AES_CM_128_HMAC_SHA1_80');
      expect(audioLine(sdp).protocol).toBe('RTP/SAVP');
      expect(attributes(sdp, 'crypto')).toHaveLength(1);
      expect(sdp).not.toContain(SUITE_KEY);
    });
  });
};

function sdpAddress(sdp: string): string {
  return /^c=IN IP[46] (\S+)/m.exec(sdp)?.[1] ?? '';
}
