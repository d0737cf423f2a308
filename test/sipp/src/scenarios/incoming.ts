import assert from 'node:assert/strict';
import { attributes, header, headerList } from '../infra/sip-message.ts';
import { scenario } from '../runner/scenario.ts';
import { ask, endedByPeer, receive, soundBothWays } from './steps.ts';

/** The phone is called. */
export const incoming = [
  ...scenario({
    id: 'in-answered-by-person',
    title: 'A call that rings, is taken, and is ended by the caller',
    requirements: ['call.in', 'call.bye-in', 'media.both-ways'],
    over: ['udp', 'tcp', 'udp6', 'tcp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const placed = await receive(stage, 'uac-call.xml', { line: 'alice', pauses: 2500 });
      await stage.phone.becomes(placed.call, 'incoming');
      await stage.phone.call('call.answer', { call: placed.call, wait: 32_000 }, 32_000);
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
      if (stage.network.loss === 0)
        assert.equal(placed.sipp.received('INVITE', 180).length, 1, placed.sipp.summary());
    },
  }),
  ...scenario({
    id: 'in-auto-answer',
    title: 'A line that answers by itself',
    requirements: ['call.auto-answer', 'call.in'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-call.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-phone-hangs-up',
    title: 'A taken call that the phone ends',
    requirements: ['call.in'],
    over: ['udp', 'tcp', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-called-hangs-up.xml', {
        pauses: stage.linger,
      });
      await stage.phone.becomes(call, 'established', 32_000);
      await stage.phone.hangup(call);
      await stage.phone.becomes(call, 'ended', 32_000);
      await sipp.done(32_000);
    },
  }),
  ...scenario({
    id: 'in-stock-sipp',
    title: "SIPp's built-in uac calls the phone",
    requirements: ['call.stock-sipp'],
    over: ['udp', 'tcp', 'udp6'],
    async run(stage) {
      const sipp = await stage.calling('uac', {
        user: 'mu',
        calls: 3,
        rate: 5,
        extra: ['-d', '300'],
      });
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'in-late-offer',
    title: 'An INVITE without offer: the phone offers, the ACK answers',
    requirements: ['offer.late', 'media.both-ways'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-late-offer.xml', { pauses: 2000 });
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      const [answer] = placed.sipp.received('INVITE', 200);
      const codecs = attributes(answer?.body ?? '', 'rtpmap').join(' ');
      assert.match(codecs, /PCMA/);
      assert.match(codecs, /PCMU/);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-prack',
    title: 'A caller that insists on reliable provisional responses',
    requirements: ['prack.uas'],
    over: ['udp', 'tcp'],
    async run(stage) {
      // SIPp must see the repetition of the 180, so it must not filter it out.
      const file = stage.network.transport === 'udp' ? 'uac-prack.xml' : 'uac-prack-tcp.xml';
      const placed = await receive(stage, file, { line: 'alice', extra: ['-nr'], pauses: 300 });
      await placed.sipp.receives('PRACK', { status: 200 });
      await stage.phone.call('call.answer', { call: placed.call, wait: 5000 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-options',
    title: 'OPTIONS outside a call, whose Max-Forwards is 0',
    requirements: ['uas.options', 'uas.max-forwards', 'net.rport'],
    over: ['udp', 'tcp', 'udp6', 'lossy'],
    async run(stage) {
      const sipp = await ask(stage, 'uac-options.xml');
      assert.ok(sipp.received('OPTIONS', 200).length >= 1);
    },
  }),
  ...scenario({
    id: 'in-options-in-call',
    title: 'OPTIONS within a call',
    requirements: ['uas.options'],
    async run(stage) {
      const placed = await receive(stage, 'uac-options-in-call.xml', { pauses: 300 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-message',
    title: 'A text message is answered and shown',
    requirements: ['uas.message'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const since = stage.phone.eventMark;
      await ask(stage, 'uac-message.xml');
      const [message] = stage.phone.events('message', since);
      assert.match(String(message?.params['text']), /The meeting starts at four\./);
    },
  }),
  ...scenario({
    id: 'in-unknown-method',
    title: 'A method that nobody knows',
    requirements: ['uas.method'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const sipp = await ask(stage, 'uac-unknown-method.xml');
      const [answer] = sipp.messages().filter(({ sent }) => !sent);
      assert.ok(answer?.status === 405 || answer?.status === 501, sipp.summary());
      assert.match(header(answer, 'allow') ?? '', /INVITE/);
    },
  }),
  ...scenario({
    id: 'in-require-unknown',
    title: 'Require with option tags that nobody knows',
    requirements: ['uas.require'],
    async run(stage) {
      const sipp = await ask(stage, 'uac-require-unknown.xml');
      const [refusal] = sipp.received('INVITE', 420);
      assert.ok(refusal !== undefined);
      const unsupported = headerList(refusal, 'unsupported').map((tag) => tag.toLowerCase());
      assert.deepEqual(unsupported, ['nothingsupportsthis', 'nothingsupportsthiseither']);
    },
  }),
  ...scenario({
    id: 'in-merged',
    title: 'One INVITE by two ways: the second copy gets 482, the first one the call',
    requirements: ['uas.merged'],
    async run(stage) {
      const placed = await receive(stage, 'uac-merged.xml', { line: 'alice', pauses: 200 });
      await placed.sipp.receives('INVITE', { status: 482 });
      await stage.phone.call('call.answer', { call: placed.call, wait: 5000 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-compact-headers',
    title: 'Compact, folded and oddly spaced headers',
    requirements: ['uas.compact'],
    over: ['udp', 'tcp', 'udp6'],
    async run(stage) {
      const placed = await receive(stage, 'uac-compact.xml', { pauses: 200 });
      const { remoteName } = await stage.phone.get(placed.call);
      assert.equal(remoteName, 'SIPp"s \\ friend');
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-several-vias',
    title: 'A call that came by several proxies',
    requirements: ['uas.vias', 'dialog.record-route'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-vias.xml', { pauses: 50 });
      await stage.phone.becomes(call, 'established');
      await stage.phone.hangup(call);
      await sipp.done();
      const [answer] = sipp.received('INVITE', 200);
      assert.ok(answer !== undefined);
      const hosts = headerList(answer, 'via')
        .slice(1)
        .map((via) => /^\S+ ([^;:]+)/.exec(via)?.[1]);
      assert.deepEqual(hosts, ['proxy-b.example.net', 'proxy-a.example.org', 'ua.example.com']);
      const recorded = headerList(answer, 'record-route');
      assert.equal(recorded.length, 2);
      const [bye] = sipp.received('BYE');
      assert.ok(bye !== undefined);
      const routes = headerList(bye, 'route');
      assert.match(routes[0] ?? '', /x=1/);
      assert.match(routes[1] ?? '', /edge\.example\.org/);
    },
  }),
  ...scenario({
    id: 'in-unknown-dialog',
    title: 'Requests of a call that is not there',
    requirements: ['dialog.unknown'],
    over: ['udp', 'tcp'],
    async run(stage) {
      await ask(stage, 'uac-unknown-dialog.xml');
    },
  }),
  ...scenario({
    id: 'in-old-cseq',
    title: 'A request out of order',
    requirements: ['dialog.cseq'],
    async run(stage) {
      const placed = await receive(stage, 'uac-old-cseq.xml', { pauses: 200 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-byes-cross',
    title: 'Both sides say BYE at once',
    requirements: ['dialog.bye-crossing'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-bye-crosses.xml', { pauses: 50 });
      await stage.phone.becomes(call, 'established');
      await stage.phone.hangup(call);
      await stage.phone.becomes(call, 'ended');
      await sipp.done();
    },
  }),
];
