import assert from 'node:assert/strict';
import { attributes, header, headerList } from '../infra/sip-message.ts';
import { scenario } from '../runner/scenario.ts';
import { endedByPeer, hangUp, place, soundBothWays } from './steps.ts';

/** The phone calls. */
export const outgoing = [
  ...scenario({
    id: 'out-answered',
    title: 'A call that is answered, with sound both ways',
    requirements: ['call.out', 'media.both-ways'],
    over: ['udp', 'tcp', 'udp6', 'tcp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established', 32_000);
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
      const invite = await placed.sipp.receives('INVITE');
      assert.equal(header(invite, 'max-forwards'), '70');
    },
  }),
  ...scenario({
    id: 'out-peer-hangs-up',
    title: 'A call that the called party ends',
    requirements: ['call.out', 'call.bye-in'],
    over: ['udp', 'tcp', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await place(stage, 'uas-bye.xml', { pauses: 800 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-stock-sipp',
    title: "A call to SIPp's built-in uas, whose media echoes",
    requirements: ['call.stock-sipp'],
    over: ['udp', 'tcp'],
    async run(stage) {
      await stage.engine.forgetPlayed();
      const sipp = await stage.answering('uas', { extra: ['-rtp_echo'] });
      const { id } = await stage.phone.dial(sipp.uri(), 'mu');
      await stage.phone.becomes(id, 'established');
      // SIPp sends back what it gets: the phone hears its own microphone.
      await stage.engine.plays(440, { signal: stage.signal });
      await stage.phone.hangup(id);
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-rings',
    title: 'A called party that lets it ring, then answers',
    requirements: ['call.out'],
    async run(stage) {
      const placed = await place(stage, 'uas-answer-late.xml', { pauses: 600 });
      await stage.phone.becomes(placed.call, 'ringing');
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-early-media',
    title: 'An announcement before the answer is heard',
    requirements: ['uac.early-media'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-early-media.xml', {
        pauses: 2500,
        sound: { symmetric: false },
      });
      await stage.phone.becomes(placed.call, 'early');
      const offer = await placed.sipp.receives('INVITE');
      const port = Number(/^m=audio (\d+)/m.exec(offer.body)?.[1]);
      placed.far.sendTo({ address: stage.network.address, port });
      await stage.engine.plays(1000, { ms: 200, signal: stage.signal });
      const { state } = await stage.phone.get(placed.call);
      assert.equal(state, 'early', 'the announcement is to be heard before the answer');
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-early-media-refused',
    title: 'An announcement, then a refusal',
    requirements: ['uac.early-media', 'uac.reasons'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-early-media-refused.xml', { pauses: 500 });
      await stage.phone.becomes(call, 'early');
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.deepEqual(end, { by: 'remote', status: 404, reason: 'no such number' });
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-fork-two-answers',
    title: 'Two phones answer a forked call; the second one is ended',
    requirements: ['uac.fork-2xx'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-fork.xml');
      await stage.phone.becomes(placed.call, 'established');
      const bye = await placed.sipp.receives('BYE');
      assert.match(header(bye, 'to') ?? '', /tag=two/);
      await hangUp(stage, placed);
      const acknowledged = placed.sipp.received('ACK').map((ack) => header(ack, 'to') ?? '');
      for (const tag of ['one', 'two'])
        assert.ok(
          acknowledged.some((to) => to.endsWith(`tag=${tag}`)),
          `the 200 of ${tag} got no ACK: ${acknowledged.join(', ')}`,
        );
    },
  }),
  ...scenario({
    id: 'out-fork-early',
    title: 'Early dialogs of several branches, and a third one answers',
    requirements: ['uac.fork-early', 'dialog.target', 'media.both-ways'],
    async run(stage) {
      const placed = await place(stage, 'uas-fork-early.xml', { pauses: 300 });
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-contact-changes',
    title: "The 2xx's Contact counts, not that of the 180",
    requirements: ['dialog.target'],
    async run(stage) {
      const placed = await place(stage, 'uas-contact-changes.xml');
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-record-route',
    title: 'A call through two loose routers',
    requirements: ['dialog.record-route'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-record-route.xml');
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
      for (const method of ['ACK', 'BYE']) {
        const [request] = placed.sipp.received(method);
        assert.ok(request !== undefined);
        const routes = headerList(request, 'route');
        assert.equal(routes.length, 2, `${method} has Route: ${routes.join(', ')}`);
        assert.match(routes[0] ?? '', /near=1/);
        assert.match(routes[1] ?? '', /far\.example\.net/);
      }
    },
  }),
  ...scenario({
    id: 'out-strict-route',
    title: 'A call through a strict router',
    requirements: ['dialog.strict-route'],
    async run(stage) {
      const placed = await place(stage, 'uas-strict-route.xml');
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-prack',
    title: 'Reliable provisional responses are acknowledged',
    requirements: ['prack.uac'],
    over: ['udp', 'tcp', 'tcp6'],
    async run(stage) {
      const placed = await place(stage, 'uas-prack.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-update-early',
    title: 'The called side moves the media by UPDATE before it answers',
    requirements: ['update', 'prack.uac'],
    async run(stage) {
      const moved = await stage.media();
      const placed = await place(stage, 'uas-update-early.xml', {
        pauses: 300,
        keys: { sdp2_port: moved.port },
      });
      await stage.phone.becomes(placed.call, 'established');
      await moved.hears(440, { signal: stage.signal });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-codec-order',
    title: "Codecs are offered in the line's order, and the peer's choice is sent",
    requirements: ['offer.codec-order'],
    async run(stage) {
      const placed = await place(stage, 'uas-two-codecs.xml', {
        line: 'wide',
        keys: { law: 0, law_name: 'PCMU', law2: 8, law2_name: 'PCMA' },
        sound: { law: 'PCMU' },
      });
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      assert.deepEqual(placed.far.capture.payloadTypes(), [0]);
      const { media } = await stage.phone.sees(
        placed.call,
        'sending PCMU',
        ({ media }) => media.codec === 'PCMU',
      );
      assert.equal(media.codec, 'PCMU');
      await hangUp(stage, placed);
      const offer = (await placed.sipp.receives('INVITE')).body;
      const names = attributes(offer, 'rtpmap').map((row) => row.split(' ')[1]?.split('/')[0]);
      assert.deepEqual(
        names.filter((name) => name !== 'telephone-event'),
        ['opus', 'G722', 'PCMA', 'PCMU'],
      );
    },
  }),
  ...scenario({
    id: 'out-bad-answer',
    title: 'An answer that is no session description ends the call, with a reason',
    requirements: ['offer.bad-answer'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-bad-answer.xml');
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.notEqual(end?.reason, '', 'the person is to be told why');
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-large-request',
    title: 'A request of more than 1300 bytes goes over TCP',
    requirements: ['net.size'],
    over: ['tcp'],
    async run(stage) {
      const sipp = await stage.answering('uas-answer.xml', { extra: ['-d', '50'] });
      const port = sipp.port;
      // No transport is named, so it would be UDP; the user part makes the request large.
      const { id } = await stage.phone.dial(`sip:${'x'.repeat(200)}@127.0.0.1:${port}`, 'wordy');
      await stage.phone.becomes(id, 'established');
      await stage.phone.hangup(id);
      await sipp.done();
      const via = header(await sipp.receives('INVITE'), 'via') ?? '';
      assert.match(via, /^SIP\/2\.0\/TCP /);
    },
  }),
  ...scenario({
    id: 'out-large-request-udp-only',
    title: 'A large request falls back to UDP where TCP is refused',
    requirements: ['net.size'],
    async run(stage) {
      const sipp = await stage.answering('uas-answer.xml', { extra: ['-d', '50'] });
      const { id } = await stage.phone.dial(
        `sip:${'x'.repeat(200)}@127.0.0.1:${sipp.port}`,
        'wordy',
      );
      await stage.phone.becomes(id, 'established');
      await stage.phone.hangup(id);
      await sipp.done();
      const invite = await sipp.receives('INVITE');
      assert.match(header(invite, 'via') ?? '', /^SIP\/2\.0\/UDP /);
    },
  }),
];
