import { findTone } from '@offhook/common/audio';
import { MICROPHONE_HZ, Sipp, UdpRelay, freePorts, MediaPeer } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import { FAR_END_HZ } from '../call.ts';
import type { Context, Measure, Part } from '../row.ts';

const SIP_LOSS = 0.1;
const RTP_LOSS = 0.05;
const HOST = '127.0.0.1';
const CALLS_PER_SECOND = 10;
/** RFC 3261 §17: what is lost is repeated for 32 s. */
const TIMER_B_MS = 32_000;

/**
 * F14: calls come in over a network that loses a tenth of the signaling and a twentieth of the sound;
 * another call lasts all the time, and is listened to at both ends.
 */
async function lossy(context: Context, calls: number): Promise<Measure> {
  const { scope, seed, directory } = context;
  const bed = await Bed.open(context, { rtpPorts: 240 });
  const call = await bed.call({ loss: { share: RTP_LOSS, seed } });
  const from = { far: call.mark, near: await bed.engine.mark() };
  const sound = scope.use(await MediaPeer.open({ address: HOST }));
  const media = scope.use(
    await UdpRelay.open({ address: HOST, target: sound, loss: RTP_LOSS, seed: seed + 1 }),
  );
  const target = { address: HOST, port: bed.guest.port };
  const relay = scope.use(
    await UdpRelay.open({ address: HOST, target, loss: SIP_LOSS, seed: seed + 2 }),
  );
  const longest = (1000 * calls) / CALLS_PER_SECOND + 2 * TIMER_B_MS + 10_000;
  const load = scope.use(
    await Sipp.start({
      scenario: 'uac-call.xml',
      transport: 'udp',
      address: HOST,
      port: await freePorts(2),
      remote: { address: HOST, port: relay.port },
      contact: { address: HOST, port: relay.backPort },
      media: { address: HOST, port: media.port },
      user: 'auto',
      calls,
      rate: CALLS_PER_SECOND,
      // SIPp's pauses: in the call, and after it, when it still answers what is repeated.
      extra: ['-d', '2500'],
      deadlineMs: longest,
      directory,
      name: 'load',
    }),
  );
  await load.done(longest);
  const heard = call.heard(from.far);
  const near = findTone(await bed.engine.played(from.near), FAR_END_HZ);
  const far = findTone(call.far.capture.audio(from.far), MICROPHONE_HZ);
  const left = (await bed.phone.calls()).filter(({ id }) => id !== call.id);
  await call.end();
  return {
    survived: load.succeeded && left.length === 0,
    detail: {
      calls,
      sip: { lost: relay.dropped, passed: relay.passed },
      // Where concealment works, the tone is there almost all the time.
      concealed: { heardPct: percent(near.presentMs, near.totalMs), gapsMs: near.longestGapMs },
      withoutConcealment: { heardPct: percent(far.presentMs, far.totalMs), lost: heard.lost },
    },
  };
}

function percent(part: number, whole: number): number {
  return Math.round((1000 * part) / whole) / 10;
}

export const lossParts: readonly Part[] = [
  {
    row: 'F14',
    name: 'calls',
    what: '1,000 calls with 10 % of SIP and 5 % of RTP lost',
    target: {},
    deadline: 240_000,
    core: false,
    inTable: true,
    run: (context) => lossy(context, 1000),
  },
  {
    row: 'F14',
    name: 'calls-short',
    what: '100 calls with 10 % of SIP and 5 % of RTP lost',
    target: {},
    deadline: 120_000,
    core: true,
    inTable: false,
    run: (context) => lossy(context, 100),
  },
];
