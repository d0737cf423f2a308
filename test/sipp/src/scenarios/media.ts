import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sine } from '@offhook/common/audio';
import { createSocket } from 'node:dgram';
import { audioTarget, telephoneEventType } from '../infra/sip-message.ts';
import { pause, until } from '../infra/wait.ts';
import { encodeG711 } from '../media/g711.ts';
import { buildRtp } from '../media/rtp.ts';
import { readPcapUdp } from '../media/pcap.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { endedByPeer, hangUp, place, receive, soundBothWays, type Placed } from './steps.ts';

const PCAPS = '/usr/share/sip-tester';

/** RTP, DTMF, and what must not disturb them. */
export const media = [
  ...scenario({
    id: 'media-continuous',
    title: 'Three seconds of sound without a gap, both ways',
    requirements: ['media.both-ways'],
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      const mark = placed.far.capture.mark;
      await placed.far.hears(440, { ms: 2900, mark, signal: stage.signal });
      const { lost, longestJumpMs, streams } = placed.far.capture.continuity();
      assert.deepEqual({ lost, longestJumpMs, streams }, { lost: 0, longestJumpMs: 0, streams: 1 });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'media-rtp-stream',
    title: "SIPp's own rtp_stream is heard",
    requirements: ['media.both-ways', 'call.stock-sipp'],
    async run(stage) {
      const file = join(stage.directory, 'tone.alaw');
      await writeFile(file, encodeG711('PCMA', sine(850, 2).samples));
      await stage.engine.forgetPlayed();
      const sipp = await stage.answering('uas-rtp-stream.xml', {
        fill: { FILE: file },
        extra: ['-d', '50'],
      });
      const { id } = await stage.phone.dial(sipp.uri(), 'alice');
      await stage.phone.becomes(id, 'established');
      await stage.engine.plays(850, { ms: 600, signal: stage.signal });
      await stage.phone.hangup(id);
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'media-silent-descriptions',
    title: 'Sound goes where the peer really sends from',
    requirements: ['media.latching'],
    over: ['udp', 'udp6'],
    async run(stage) {
      // The description names one port, the sound comes from another: a peer behind a NAT.
      const real = await stage.media({ symmetric: false });
      const placed = await receive(stage, 'uac-call.xml', {
        pauses: 3000,
        sound: { symmetric: false },
      });
      const answer = await placed.sipp.receives('INVITE', { status: 200 });
      const target = audioTarget(answer.body);
      assert.ok(target !== undefined);
      real.sendTo(target);
      await real.hears(440, { signal: stage.signal });
      await stage.engine.plays(1000, { signal: stage.signal });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'media-junk',
    title: 'Junk, replayed and foreign packets at the media port are not noticed',
    requirements: ['media.junk'],
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      const target = placed.far.target;
      assert.ok(target !== undefined);
      const mark = await stage.engine.mark();
      const heard = placed.far.capture.mark;
      await attack(stage, placed, target);
      await placed.far.hears(440, { ms: 400, mark: heard, signal: stage.signal });
      await stage.engine.plays(1000, { ms: 400, mark, signal: stage.signal });
      const { lost, streams } = placed.far.capture.continuity();
      assert.deepEqual({ lost, streams }, { lost: 0, streams: 1 });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'dtmf-out',
    title: 'Digits that the phone sends as RTP events',
    requirements: ['media.dtmf-out'],
    over: ['udp', 'udp6'],
    async run(stage) {
      const placed = await place(stage, 'uas-answer.xml');
      const { call, far } = placed;
      await stage.phone.becomes(call, 'established');
      await far.hears(440, { signal: stage.signal });
      await stage.phone.call('call.dtmf', { call, digits: '19A*#55' });
      const pressed = () => far.capture.dtmf(101);
      await until(
        'all digits to arrive',
        () => pressed().filter(({ ended }) => ended).length >= 7,
        {
          within: 4000,
          seen: () => `there came ${far.capture.digits(101)}`,
        },
      );
      assert.equal(far.capture.digits(101), '19A*#55');
      for (const { durationMs, ended, digit } of pressed()) {
        assert.ok(ended, `${digit} has no end`);
        assert.ok(durationMs >= 80 && durationMs <= 140, `${digit} lasts ${durationMs} ms`);
      }
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'dtmf-in',
    title: 'Digits of the peer, each reported once',
    requirements: ['media.dtmf-in'],
    over: ['udp', 'udp6'],
    async run(stage) {
      const placed = await receive(stage, 'uac-call.xml', { pauses: 4000 });
      const answer = await placed.sipp.receives('INVITE', { status: 200 });
      const type = telephoneEventType(answer.body);
      assert.ok(type !== undefined, 'the answer has telephone-event');
      await placed.far.hears(440, { signal: stage.signal });
      await placed.far.sendDtmf('1290*#D', 101);
      await until('the digits', () => stage.phone.digits(placed.call).length >= 7, {
        within: 3000,
        seen: () => `the phone reported ${stage.phone.digits(placed.call)}`,
      });
      assert.equal(stage.phone.digits(placed.call), '1290*#D');
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'dtmf-in-pcap',
    title: "SIPp's own recordings of digits are understood",
    requirements: ['media.dtmf-in'],
    async run(stage) {
      const placed = await receive(stage, 'uac-call.xml', {
        pauses: 6000,
        sound: { symmetric: false },
      });
      const answer = await placed.sipp.receives('INVITE', { status: 200 });
      const target = audioTarget(answer.body);
      assert.ok(target !== undefined);
      placed.far.sendTo(target);
      await placed.far.hears(440, { signal: stage.signal });
      placed.far.stop();
      for (const name of ['1', '5', 'star', 'pound'])
        await replay(placed, target, `${PCAPS}/dtmf_2833_${name}.pcap`);
      await until('the digits', () => stage.phone.digits(placed.call).length >= 4, {
        within: 4000,
        seen: () => `the phone reported ${stage.phone.digits(placed.call)}`,
      });
      assert.equal(stage.phone.digits(placed.call), '15*#');
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'dtmf-info-in',
    title: 'Digits of the peer by INFO',
    requirements: ['media.dtmf-info'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-info-dtmf.xml', { pauses: 400 });
      await until('the digits', () => stage.phone.digits(placed.call) === '5#', {
        within: 5000,
        seen: () => `the phone reported ${stage.phone.digits(placed.call)}`,
      });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'dtmf-info-out',
    title: 'A line that sends digits by INFO',
    requirements: ['media.dtmf-info'],
    async run(stage) {
      const placed = await place(stage, 'uas-info-dtmf.xml', { line: 'info' });
      await stage.phone.becomes(placed.call, 'established');
      await stage.phone.call('call.dtmf', { call: placed.call, digits: '1#' });
      await hangUp(stage, placed);
    },
  }),
];

/** What somebody may send to an open port during a call. */
async function attack(
  stage: Stage,
  { far }: Placed,
  target: { address: string; port: number },
): Promise<void> {
  const stranger = createSocket('udp4');
  stage.scope.defer(() => void stranger.close());
  const replayed = far.capture.packets().slice(0, 20);
  for (let round = 0; round < 40; round++) {
    // From the right address: bytes that are no RTP, RTP of an unknown type, RTCP that lies.
    far.sendRaw(randomBytes(1 + ((round * 37) % 1400)));
    far.sendRaw(rtp({ payloadType: 77, sequence: round, ssrc: 1, payload: randomBytes(160) }));
    far.sendRaw(Buffer.concat([Buffer.from([0x81, 203, 0, 1]), randomBytes(4)]));
    far.sendRaw(new Uint8Array(0));
    // From somewhere else: another stream, and what the phone itself has sent.
    const foreign = rtp({
      payloadType: 8,
      sequence: round,
      ssrc: 99,
      payload: new Uint8Array(160),
    });
    stranger.send(foreign, target.port, target.address);
    const packet = replayed[round % replayed.length];
    if (packet !== undefined) stranger.send(buildRtp(packet.rtp), target.port, target.address);
    await pause(10, stage.signal);
  }
}

function rtp(of: {
  payloadType: number;
  sequence: number;
  ssrc: number;
  payload: Uint8Array;
}): Uint8Array {
  return buildRtp({ marker: false, timestamp: of.sequence * 160, ...of });
}

/** Plays the UDP payloads of a capture file at their pace. */
async function replay(
  { far }: Placed,
  target: { address: string; port: number },
  file: string,
): Promise<void> {
  const packets = readPcapUdp(await readFile(file));
  assert.ok(packets.length > 0, `${file} has no packets`);
  const [first] = packets;
  const started = performance.now();
  for (const { at, payload } of packets) {
    const wait = at - (first?.at ?? 0) - (performance.now() - started);
    if (wait > 0) await pause(wait);
    far.sendRaw(payload, target);
  }
  await pause(300);
}
