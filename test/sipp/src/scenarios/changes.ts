import assert from 'node:assert/strict';
import { attributes, directionOf, header } from '../infra/sip-message.ts';
import { until } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import {
  acknowledged,
  endedByPeer,
  hangUp,
  originVersion,
  place,
  receive,
  soundBothWays,
} from './steps.ts';

/** What changes within a call: hold, codecs, addresses, targets. */
export const changes = [
  ...scenario({
    id: 'hold-by-phone',
    title: 'The phone holds and resumes; nothing counts as lost',
    requirements: ['reinvite.hold', 'media.hold-loss', 'media.both-ways'],
    over: ['udp', 'tcp', 'udp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await place(stage, 'uas-hold.xml');
      const { call, far } = placed;
      await stage.phone.becomes(call, 'established', 32_000);
      await soundBothWays(stage, placed);
      if (stage.network.loss > 0) await acknowledged(placed.sipp);
      await stage.phone.call('call.hold', { call }, 32_000);
      assert.equal((await stage.phone.get(call)).held, true);
      await until('the sound to stop', () => !far.hearsNow(440) || undefined, {
        within: 100,
      }).catch(() => undefined);
      const held = far.capture.mark;
      if (stage.network.loss > 0) await acknowledged(placed.sipp);
      await stage.phone.call('call.resume', { call }, 32_000);
      await far.hears(440, { mark: held, signal: stage.signal });
      await hangUp(stage, placed);
      assert.equal(far.capture.continuity().lost, 0, 'the far end missed packets');
      const { media } = await stage.phone.get(call);
      assert.equal(media.lossPct, 0, 'the phone counted packets as lost');
      const [first, hold, resume] = unrepeated(
        placed.sipp.received('INVITE').map(({ body }) => body),
      );
      assert.equal(originVersion(hold ?? ''), originVersion(first ?? '') + 1n);
      assert.equal(originVersion(resume ?? ''), originVersion(first ?? '') + 2n);
    },
  }),
  ...scenario({
    id: 'hold-by-peer',
    title: 'The other side holds and resumes',
    requirements: ['reinvite.held', 'media.hold-loss'],
    over: ['udp', 'tcp', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await receive(stage, 'uac-hold.xml', { pauses: 1000 });
      const { call, far, sipp } = placed;
      await stage.phone.becomes(call, 'established', 32_000);
      await stage.phone.sees(call, 'held by the peer', ({ remoteHeld }) => remoteHeld, 32_000);
      const held = far.capture.mark;
      await stage.phone.sees(call, 'resumed by the peer', ({ remoteHeld }) => !remoteHeld, 32_000);
      await far.hears(440, { mark: held, signal: stage.signal });
      await endedByPeer(stage, placed);
      assert.equal(far.capture.continuity().lost, 0);
      const answers = unrepeated(sipp.received('INVITE', 200).map(({ body }) => body));
      assert.deepEqual(answers.map(directionOf), ['sendrecv', 'recvonly', 'sendrecv']);
    },
  }),
  ...scenario({
    id: 'hold-by-peer-old-style',
    title: 'A hold by c=0.0.0.0',
    requirements: ['reinvite.held'],
    async run(stage) {
      const placed = await receive(stage, 'uac-hold-old-style.xml', { pauses: 600 });
      await stage.phone.sees(placed.call, 'held by the peer', ({ remoteHeld }) => remoteHeld);
      await stage.phone.sees(placed.call, 'resumed', ({ remoteHeld }) => !remoteHeld);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'inactive-by-peer',
    title: 'The other side makes the call inactive',
    requirements: ['reinvite.held'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-inactive.xml', { pauses: 300 });
      await stage.phone.sees(placed.call, 'held by the peer', ({ remoteHeld }) => remoteHeld);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'codec-change',
    title: 'The other side changes the codec, and the sound goes on',
    requirements: ['reinvite.codec'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-codec-change.xml', {
        pauses: 800,
        keys: { law2: 0, law2_name: 'PCMU' },
      });
      const { call, far } = placed;
      await far.hears(440, { signal: stage.signal });
      await stage.phone.sees(call, 'using PCMU', ({ media }) => media.codec === 'PCMU');
      await until('PCMU to arrive', () => far.capture.last?.rtp.payloadType === 0, {
        within: 3000,
      });
      await far.hears(440, { mark: far.capture.mark, signal: stage.signal });
      await endedByPeer(stage, placed);
      const answers = placed.sipp.received('INVITE', 200).map(({ body }) => body);
      assert.match(answers[1] ?? '', /^m=audio [1-9]\d* RTP\/AVP 0\b/m);
      assert.deepEqual(far.capture.payloadTypes(), [8, 0]);
      assert.equal(far.capture.continuity().lost, 0);
    },
  }),
  ...scenario({
    id: 'media-moves',
    title: 'The other side moves its media to another port',
    requirements: ['reinvite.address'],
    over: ['udp', 'udp6'],
    async run(stage) {
      const moved = await stage.media({ toneHz: 1500 });
      const placed = await receive(stage, 'uac-moves-media.xml', {
        pauses: 800,
        keys: { sdp2_port: moved.port },
      });
      await placed.far.hears(440, { signal: stage.signal });
      // What moved away is silent: it must not hold the phone back.
      await until('the re-INVITE', () => placed.sipp.sent('INVITE').length >= 2, { within: 5000 });
      placed.far.stop();
      await moved.hears(440, { signal: stage.signal });
      await stage.engine.plays(1500, { signal: stage.signal });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'media-moves-by-called',
    title: 'The called side moves its media',
    requirements: ['reinvite.address'],
    async run(stage) {
      const moved = await stage.media();
      const placed = await place(stage, 'uas-moves-media.xml', {
        pauses: 500,
        keys: { sdp2_port: moved.port },
      });
      await stage.phone.becomes(placed.call, 'established');
      await until('the re-INVITE', () => placed.sipp.sent('INVITE').length >= 1, { within: 5000 });
      placed.far.stop();
      await moved.hears(440, { signal: stage.signal });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'update-in-call',
    title: 'UPDATE moves the media within the call',
    requirements: ['update', 'reinvite.address'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const moved = await stage.media();
      const placed = await receive(stage, 'uac-update.xml', {
        pauses: 500,
        keys: { sdp2_port: moved.port },
      });
      await moved.hears(440, { signal: stage.signal });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'reinvite-unusable',
    title: 'A re-INVITE with no codec in common gets 488, the call goes on',
    requirements: ['reinvite.refused-by-us'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-reinvite-refused.xml', { pauses: 500 });
      await placed.sipp.receives('INVITE', { status: 488 });
      const mark = placed.far.capture.mark;
      await placed.far.hears(440, { mark, signal: stage.signal });
      assert.equal((await stage.phone.get(placed.call)).state, 'established');
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'reinvite-refused',
    title: 'The peer refuses a hold; the call goes on as it was',
    requirements: ['reinvite.refused-by-peer'],
    async run(stage) {
      const placed = await place(stage, 'uas-reinvite-refused.xml');
      await stage.phone.becomes(placed.call, 'established');
      await assert.rejects(stage.phone.call('call.hold', { call: placed.call }), /./);
      const { state, held } = await stage.phone.get(placed.call);
      assert.deepEqual({ state, held }, { state: 'established', held: false });
      await placed.far.hears(440, { mark: placed.far.capture.mark, signal: stage.signal });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'reinvite-dialog-gone',
    title: 'A peer that has forgotten the call: 481 ends it',
    requirements: ['dialog.gone'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-reinvite-481.xml', {
        pauses: 500,
        // A BYE may follow.
        extra: ['-pause_msg_ign'],
      });
      await stage.phone.becomes(call, 'established');
      await assert.rejects(stage.phone.call('call.hold', { call }), /./);
      await stage.phone.becomes(call, 'ended');
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'reinvite-without-offer',
    title: 'A re-INVITE without an offer gets a full one',
    requirements: ['offer.late'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-reinvite-late-offer.xml', { pauses: 500 });
      const answer = await placed.sipp.receives('INVITE', { status: 200, count: 2 });
      assert.match(attributes(answer.body, 'rtpmap').join(' '), /PCMU/);
      await placed.far.hears(440, { mark: placed.far.capture.mark, signal: stage.signal });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'reinvite-without-offer-while-held',
    title: 'A held phone that is asked for an offer offers sendrecv',
    requirements: ['offer.late', 'reinvite.held'],
    async run(stage) {
      const placed = await receive(stage, 'uac-reinvite-late-offer-to-held.xml', { pauses: 300 });
      await stage.phone.sees(
        placed.call,
        'resumed',
        ({ remoteHeld, answeredAt }) => answeredAt !== null && !remoteHeld,
      );
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'glare-491-from-peer',
    title: '491 to our re-INVITE: waited, and tried again',
    requirements: ['reinvite.glare'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-491.xml');
      await stage.phone.becomes(placed.call, 'established');
      const started = performance.now();
      await stage.phone.call('call.hold', { call: placed.call }, 12_000);
      const ms = performance.now() - started;
      // We own the Call-ID: 2.1 to 4 s.
      assert.ok(ms > 2000 && ms < 5500, `retried after ${Math.round(ms)} ms`);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'glare-both',
    title: 'Both sides re-INVITE at once: 491 both ways, and then the phone holds',
    requirements: ['reinvite.glare', 'reinvite.hold'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-glare.xml', { pauses: 300 });
      await stage.phone.becomes(placed.call, 'established');
      const started = performance.now();
      await stage.phone.call('call.hold', { call: placed.call }, 12_000);
      const ms = performance.now() - started;
      // The caller owns the Call-ID: 0 to 2 s.
      assert.ok(ms < 3000, `held after ${Math.round(ms)} ms`);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'target-refresh',
    title: 'A re-INVITE changes the Contact; later requests go there',
    requirements: ['dialog.target'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-target-refresh.xml', { pauses: 200 });
      await stage.phone.becomes(call, 'established');
      await sipp.receives('INVITE', { status: 200, count: 2 });
      await until('the ACK to have left', () => sipp.sent('ACK').length >= 2, { within: 3000 });
      await stage.phone.hangup(call);
      await stage.phone.becomes(call, 'ended');
      await sipp.done();
      assert.equal(header(await sipp.receives('BYE'), 'max-forwards'), '70');
    },
  }),
];

/** Without what was only sent again. */
function unrepeated(bodies: readonly string[]): string[] {
  return bodies.filter((body, index) => bodies.indexOf(body) === index);
}
