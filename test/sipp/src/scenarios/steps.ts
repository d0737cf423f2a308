import assert from 'node:assert/strict';
import type { MediaPeer, MediaPeerOptions } from '../media/media-peer.ts';
import { header, type SipMessage } from '../infra/sip-message.ts';
import type { Sipp } from '../infra/sipp.ts';
import { until } from '../infra/wait.ts';
import { MICROPHONE_HZ } from '../phone/engine-process.ts';
import { FAR_END_HZ, type PeerOptions, type Stage } from '../runner/stage.ts';

/** A call between the phone and a SIPp, with the far end's sound. */
export interface Placed {
  readonly sipp: Sipp;
  /** The phone's id of the call. */
  readonly call: string;
  readonly far: MediaPeer;
}

export interface CallOptions extends PeerOptions {
  /** The line that dials, or is called. */
  readonly line?: string;
  readonly sound?: Partial<MediaPeerOptions>;
  /** What SIPp's `-d` is: milliseconds of its pauses. */
  readonly pauses?: number;
}

/** The phone calls a SIPp that waits. */
export async function place(
  stage: Stage,
  scenario: string,
  options: CallOptions = {},
): Promise<Placed> {
  const { line = 'alice', sound, pauses = stage.linger, ...rest } = options;
  const far = await stage.media(sound);
  await stage.engine.forgetPlayed();
  const sipp = await stage.answering(scenario, {
    media: far,
    ...rest,
    extra: ['-d', String(pauses), ...(rest.extra ?? [])],
  });
  const { id } = await stage.phone.dial(sipp.uri(), line);
  return { sipp, call: id, far };
}

/** A SIPp calls the phone; resolves when the phone knows of the call. */
export async function receive(
  stage: Stage,
  scenario: string,
  options: CallOptions = {},
): Promise<Placed> {
  const { line = 'auto', sound, pauses = 1500, ...rest } = options;
  const far = await stage.media(sound);
  await stage.engine.forgetPlayed();
  const since = stage.phone.eventMark;
  const sipp = await stage.calling(scenario, {
    media: far,
    user: line,
    ...rest,
    extra: ['-d', String(pauses), ...(rest.extra ?? [])],
  });
  const { id } = await stage.phone.rings(since, { within: 32_000, from: sipp.identity });
  return { sipp, call: id, far };
}

/** A SIPp does something that makes no call; its verdict is the scenario's. */
export async function ask(
  stage: Stage,
  scenario: string,
  options: CallOptions = {},
): Promise<Sipp> {
  const { line = 'alice', pauses = stage.linger, ...rest } = options;
  const sipp = await stage.calling(scenario, {
    user: line,
    ...rest,
    extra: ['-d', String(pauses), ...(rest.extra ?? [])],
  });
  await sipp.done();
  return sipp;
}

/** Each side hears the other's tone. */
export async function soundBothWays(stage: Stage, { far }: Placed): Promise<void> {
  await Promise.all([
    far.hears(MICROPHONE_HZ, { signal: stage.signal }),
    stage.engine.plays(FAR_END_HZ, { signal: stage.signal }),
  ]);
}

/** The phone hangs up, SIPp is content, and the call is over for both. */
export async function hangUp(stage: Stage, { sipp, call }: Placed): Promise<void> {
  // A BYE that overtakes a lost ACK is no affair of SIPp's script.
  if (stage.network.loss > 0) await acknowledged(sipp);
  await stage.phone.hangup(call);
  await stage.phone.becomes(call, 'ended', 32_000);
  await sipp.done(32_000);
}

/** Waits until every 2xx that SIPp has sent to an INVITE is acknowledged. */
export async function acknowledged(sipp: Sipp): Promise<void> {
  const numbers = (messages: readonly SipMessage[]) =>
    new Set(messages.map((one) => Number.parseInt(header(one, 'cseq') ?? '', 10)));
  await until(
    'every answer to be acknowledged',
    () => {
      const got = numbers(sipp.received('ACK'));
      return [...numbers(sipp.sent('INVITE', 200))].every((number) => got.has(number));
    },
    { within: 32_000, seen: () => sipp.summary() },
  );
}

/** SIPp ends the call; the phone says that the other side did. */
export async function endedByPeer(stage: Stage, { sipp, call }: Placed): Promise<void> {
  await sipp.done(32_000);
  const { end } = await stage.phone.becomes(call, 'ended');
  assert.equal(end?.by, 'remote', `the call ended by ${end?.by}: ${end?.reason}`);
}

/** The session version of an `o=` line. */
export function originVersion(sdp: string): bigint {
  const version = /^o=\S+ \S+ (\d+) /m.exec(sdp)?.[1];
  assert.ok(version !== undefined, `no o= line in ${sdp}`);
  return BigInt(version);
}
