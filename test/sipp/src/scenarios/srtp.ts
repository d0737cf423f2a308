import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { attributes } from '../infra/sip-message.ts';
import type { MediaPeer } from '../media/media-peer.ts';
import { SrtpContext, type Suite } from '../media/srtp.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import { ask, endedByPeer, hangUp, place, receive, soundBothWays } from './steps.ts';

const KEY_BYTES: Readonly<Record<Suite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
};

/** RFC 4568: each description has the key that its own side sends with. */
function useKeys(far: MediaPeer, suite: Suite, own: Uint8Array, description: string): void {
  assert.match(description, /^m=audio [1-9]\d* RTP\/SAVP /m);
  const line = attributes(description, 'crypto').find((one) => one.includes(` ${suite} `));
  const theirs = /inline:([A-Za-z0-9+/=]+)/.exec(line ?? '')?.[1];
  assert.ok(theirs !== undefined, `no key for ${suite} in ${description}`);
  far.useSrtp({
    tx: new SrtpContext(suite, own),
    rx: new SrtpContext(suite, Buffer.from(theirs, 'base64')),
  });
}

function incoming(suite: Suite): Scenario[] {
  return scenario({
    id: `srtp-in-${suite.toLowerCase().replaceAll('_', '-')}`,
    title: `A caller with SRTP: ${suite}`,
    requirements: ['media.srtp'],
    async run(stage) {
      const key = randomBytes(KEY_BYTES[suite]);
      const far = await stage.media({ symmetric: false });
      await stage.engine.forgetPlayed();
      const since = stage.phone.eventMark;
      const sipp = await stage.calling('uac-srtp.xml', {
        user: 'secure',
        media: far,
        keys: { suite, key: key.toString('base64') },
        extra: ['-d', '2500'],
      });
      const { id } = await stage.phone.rings(since);
      const answer = await sipp.receives('INVITE', { status: 200 });
      useKeys(far, suite, key, answer.body);
      const port = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1]);
      far.sendTo({ address: stage.network.address, port });
      await soundBothWays(stage, { sipp, call: id, far });
      await endedByPeer(stage, { sipp, call: id, far });
    },
  });
}

export const srtp = [
  ...(Object.keys(KEY_BYTES) as Suite[]).flatMap(incoming),
  ...scenario({
    id: 'srtp-out',
    title: 'The phone calls with SRTP',
    requirements: ['media.srtp'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const suite = 'AES_CM_128_HMAC_SHA1_80';
      const key = randomBytes(30);
      const placed = await place(stage, 'uas-srtp.xml', {
        line: 'secure',
        keys: { suite, key: key.toString('base64') },
        sound: { symmetric: false },
      });
      const offer = await placed.sipp.receives('INVITE');
      useKeys(placed.far, suite, key, offer.body);
      await stage.phone.becomes(placed.call, 'established');
      const port = Number(/^m=audio (\d+)/m.exec(offer.body)?.[1]);
      placed.far.sendTo({ address: stage.network.address, port });
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'srtp-refused-without',
    title: 'A line that requires SRTP refuses a call without it',
    requirements: ['media.srtp-required'],
    async run(stage) {
      const sipp = await ask(stage, 'uac-refused.xml', { line: 'secure' });
      assert.equal(sipp.received('INVITE', 488).length > 0, true, sipp.summary());
    },
  }),
  ...scenario({
    id: 'srtp-unknown-suite',
    title: 'An offer of SRTP with a suite that nobody has is refused',
    requirements: ['media.srtp-required', 'offer.bad'],
    async run(stage) {
      const lines = [
        'v=0',
        'o=- 1 1 IN IP4 127.0.0.1',
        's=-',
        'c=IN IP4 127.0.0.1',
        't=0 0',
        'm=audio 9000 RTP/SAVP 8',
      ];
      const keys = Object.fromEntries(lines.map((text, index) => [`line${index + 1}`, text]));
      const sipp = await ask(stage, 'uac-bad-body.xml', {
        line: 'secure',
        keys: { ...keys, body_type: 'application/sdp' },
      });
      assert.equal(sipp.received('INVITE', 488).length > 0, true, sipp.summary());
    },
  }),
  ...scenario({
    id: 'srtp-replay',
    title: 'Replayed and forged SRTP is not played',
    requirements: ['media.srtp', 'media.junk'],
    async run(stage) {
      const suite = 'AES_CM_128_HMAC_SHA1_80';
      const key = randomBytes(30);
      const placed = await receiveSecure(stage, suite, key);
      await soundBothWays(stage, placed);
      const mark = await stage.engine.mark();
      const { far } = placed;
      // Forged: sealed with another key; from the same port as the call.
      const forger = new SrtpContext(suite, randomBytes(30));
      for (const { rtp } of far.capture.packets().slice(0, 50)) {
        const plain = Buffer.concat([Buffer.from([0x80, 8]), randomBytes(10), rtp.payload]);
        far.sendRaw(forger.protect(plain));
      }
      await stage.engine.plays(1000, { ms: 500, mark, signal: stage.signal });
      await endedByPeer(stage, placed);
    },
  }),
];

async function receiveSecure(
  stage: Parameters<Scenario['run']>[0],
  suite: Suite,
  key: Buffer,
): ReturnType<typeof receive> {
  const placed = await receive(stage, 'uac-srtp.xml', {
    line: 'secure',
    keys: { suite, key: key.toString('base64') },
    sound: { symmetric: false },
    pauses: 3500,
  });
  const answer = await placed.sipp.receives('INVITE', { status: 200 });
  useKeys(placed.far, suite, key, answer.body);
  const port = Number(/^m=audio (\d+)/m.exec(answer.body)?.[1]);
  placed.far.sendTo({ address: stage.network.address, port });
  return placed;
}
