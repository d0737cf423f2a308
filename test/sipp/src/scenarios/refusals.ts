import assert from 'node:assert/strict';
import { freePorts } from '../infra/ports.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import { hangUp, place, soundBothWays } from './steps.ts';

/** What a peer may answer, and what the person is told. */
const STATUSES: readonly (readonly [number, string, RegExp])[] = [
  [400, 'Bad Request', /not understood/],
  [403, 'Forbidden', /forbidden|not allowed/],
  [404, 'Not Found', /no such/],
  [408, 'Request Timeout', /no answer/],
  [410, 'Gone', /no longer/],
  [480, 'Temporarily Unavailable', /not available/],
  [484, 'Address Incomplete', /incomplete/],
  [486, 'Busy Here', /busy/],
  [488, 'Not Acceptable Here', /codec|acceptable/],
  [499, 'Something New', /\w/],
  [500, 'Server Internal Error', /error/],
  [503, 'Service Unavailable', /unavailable/],
  [504, 'Server Time-out', /answer|time/],
  [600, 'Busy Everywhere', /busy/],
  [603, 'Decline', /declined/],
  [604, 'Does Not Exist Anywhere', /no such/],
  [606, 'Not Acceptable', /acceptable/],
];

function refusal([status, reason, words]: (typeof STATUSES)[number]): Scenario[] {
  return scenario({
    id: `out-refused-${status}`,
    title: `A call that is refused with ${status} ${reason}`,
    requirements: ['uac.reasons'],
    over: [status % 2 === 0 ? 'udp' : 'tcp'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-reject.xml', {
        fill: { STATUS: status, REASON: reason },
        keys: { note: 'a note' },
      });
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.by, 'remote');
      assert.equal(end.status, status);
      assert.match(end.reason, words);
      await sipp.done();
    },
  });
}

export const refusals = [
  ...STATUSES.flatMap(refusal),
  ...scenario({
    id: 'out-refused-lossy',
    title: 'A refusal over a lossy network',
    requirements: ['uac.reasons', 'net.loss'],
    over: ['lossy'],
    deadline: 90_000,
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-reject.xml', {
        fill: { STATUS: 486, REASON: 'Busy Here' },
        keys: { note: 'x' },
      });
      const { end } = await stage.phone.becomes(call, 'ended', 32_000);
      assert.equal(end?.status, 486);
      await sipp.done(32_000);
    },
  }),
  ...scenario({
    id: 'out-refused-reason',
    title: 'The Reason header tells more than the status',
    requirements: ['uac.reason-header'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-reject-reason.xml', {
        fill: { STATUS: 480, REASON: 'Temporarily Unavailable' },
      });
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.match(end?.reason ?? '', /no such number|unallocated/i);
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-bye-reason',
    title: 'A BYE with a Reason',
    requirements: ['uac.reason-header', 'call.bye-in'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-bye-reason.xml', { pauses: 200 });
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.by, 'remote');
      assert.notEqual(end.reason, '');
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-redirected',
    title: 'A called party that has moved: the better of two contacts is tried first',
    requirements: ['uac.redirect'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const far = await stage.media();
      const there = await stage.answering('uas-answer.xml', {
        name: 'there',
        media: far,
        extra: ['-d', '50'],
      });
      const { sipp, call } = await place(stage, 'uas-redirect.xml', {
        keys: { moved_to: there.uri('moved') },
      });
      await stage.phone.becomes(call, 'established');
      await sipp.done();
      const placed = { sipp: there, call, far };
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'out-redirect-refused',
    title: 'A line that follows no redirection tells where to',
    requirements: ['uac.redirect'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-redirect.xml', {
        line: 'refuses-redirects',
        keys: { moved_to: 'sip:elsewhere@127.0.0.1:9' },
      });
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.status, 302);
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'out-redirect-loop',
    title: 'A redirection in a circle ends',
    requirements: ['uac.redirect-loop'],
    async run(stage) {
      const port = await freePorts(2);
      const sipp = await stage.answering('uas-redirect-loop.xml', {
        port,
        keys: { moved_to: `sip:bob@127.0.0.1:${port}` },
        extra: ['-d', '300'],
      });
      const { id } = await stage.phone.dial(sipp.uri(), 'alice');
      const { end } = await stage.phone.becomes(id, 'ended');
      assert.ok((end?.status ?? 0) >= 300, JSON.stringify(end));
      await sipp.done();
      assert.equal(sipp.received('INVITE').length, 1, sipp.summary());
    },
  }),
  ...scenario({
    id: 'out-nobody-answers',
    title: 'Nothing answers at all: Timer B ends the call after 32 s',
    requirements: ['uac.timer-b', 'uac.timer-a'],
    slow: true,
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-silent.xml', {
        extra: ['-nr', '-recv_timeout', '60000'],
        deadlineMs: 80_000,
      });
      const started = performance.now();
      const { end } = await stage.phone.becomes(call, 'ended', 45_000);
      const seconds = (performance.now() - started) / 1000;
      assert.ok(seconds > 28 && seconds < 40, `it ended after ${seconds.toFixed(1)} s`);
      assert.ok(end?.status === 408 || end?.status === 0, JSON.stringify(end));
      assert.match(end.reason, /answer/);
      // T1 = 0.5 s, doubled each time: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s.
      assert.equal(sipp.received('INVITE').length, 7, sipp.summary());
    },
  }),
];
