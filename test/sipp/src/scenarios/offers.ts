import assert from 'node:assert/strict';
import { header } from '../infra/sip-message.ts';
import { scenario, type Scenario } from '../runner/scenario.ts';
import { ask } from './steps.ts';

interface BadBody {
  readonly name: string;
  readonly title: string;
  readonly type?: string;
  /** Six lines at most; the rest is harmless. */
  readonly lines: readonly string[];
  readonly statuses: readonly number[];
}

const HEAD = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-'];

const BODIES: readonly BadBody[] = [
  {
    name: 'no-codec',
    title: 'An offer with no codec in common',
    lines: [...HEAD, 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9000 RTP/AVP 3 18'],
    statuses: [488],
  },
  {
    name: 'no-connection',
    title: 'An offer without c=',
    lines: [...HEAD, 't=0 0', 'm=audio 9000 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000'],
    statuses: [400, 488],
  },
  {
    name: 'nonsense',
    title: 'An offer that is nonsense',
    lines: ['this', 'is = not', 'a session', 'description', 'at', 'all'],
    statuses: [400, 488],
  },
  {
    name: 'bad-port',
    title: 'An offer whose port is none',
    lines: [...HEAD, 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 99999 RTP/AVP 8'],
    statuses: [400, 488],
  },
  {
    name: 'bad-address',
    title: 'An offer whose address is none',
    lines: [...HEAD, 'c=IN IP4 999.1.2.3', 't=0 0', 'm=audio 9000 RTP/AVP 8'],
    statuses: [400, 488],
  },
  {
    name: 'video-only',
    title: 'An offer of video alone',
    lines: [...HEAD, 'c=IN IP4 127.0.0.1', 't=0 0', 'm=video 9000 RTP/AVP 31'],
    statuses: [488],
  },
  {
    name: 'unknown-profile',
    title: 'An offer of a profile that nobody speaks',
    lines: [...HEAD, 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9000 RTP/XYZ 8'],
    statuses: [488],
  },
];

function bad({ name, title, type, lines, statuses }: BadBody): Scenario[] {
  return scenario({
    id: `in-offer-${name}`,
    title,
    requirements: ['offer.bad'],
    async run(stage) {
      const keys = Object.fromEntries(
        Array.from({ length: 6 }, (_, index) => [`line${index + 1}`, lines[index] ?? 'a=nothing']),
      );
      const sipp = await ask(stage, 'uac-bad-body.xml', {
        line: 'auto',
        keys: { ...keys, body_type: type ?? 'application/sdp' },
      });
      const refusal = sipp.messages().find(({ sent, status }) => !sent && status >= 400);
      assert.ok(refusal !== undefined && statuses.includes(refusal.status), sipp.summary());
    },
  });
}

export const offers = [
  ...BODIES.flatMap(bad),
  ...scenario({
    id: 'in-offer-other-type',
    title: 'A body of a type that nobody reads: 415 with Accept',
    requirements: ['uas.body-type'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const keys = Object.fromEntries(
        Array.from({ length: 6 }, (_, index) => [`line${index + 1}`, '<x/>']),
      );
      const sipp = await ask(stage, 'uac-bad-body.xml', {
        line: 'auto',
        keys: { ...keys, body_type: 'application/unheard-of+xml' },
      });
      const [refusal] = sipp.received('INVITE', 415);
      assert.ok(refusal !== undefined, sipp.summary());
      assert.match(header(refusal, 'accept') ?? '', /application\/sdp/);
    },
  }),
];
