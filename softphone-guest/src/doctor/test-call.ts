import { describeError, isOffhookError, OffhookError } from '@offhook/common';
import type { SessionStats } from '@offhook/media-rpc';
import type { CheckInfo } from '../control/schemas.ts';
import type { PhoneCall } from '../handset/handset.ts';
import { fail, ok, warn } from './check.ts';

const ANSWER_MS = 20_000;
/** Longer than a receiver takes for its first report (RFC 3550 §6.2: 2.5 to 7.5 s). */
const LISTEN_MS = 8000;
const LOOK_MS = 250;
/** Half a second of sound. */
const ENOUGH_PACKETS = 25;

export interface TestCallParts {
  /** @throws OffhookError what the number rules or the handset have against it. */
  readonly dial: (target: string) => Promise<PhoneCall>;
  readonly hangUp: (call: PhoneCall) => Promise<void>;
  /** Whether another call is up, which a test would disturb. */
  readonly busy: () => boolean;
  /** SIP messages of a Call-ID, oldest first. */
  readonly messages: (callId: string) => readonly {
    readonly direction: 'in' | 'out';
    readonly message: string;
  }[];
}

/** Calls somebody who answers by himself, best an echo, and looks whether sound goes and comes. */
export async function testCall(
  parts: TestCallParts,
  target: string,
  signal: AbortSignal,
): Promise<readonly CheckInfo[]> {
  if (parts.busy()) {
    return [warn('call', 'a call is up, which a test call would disturb', 'end it, and try again')];
  }
  let session: PhoneCall;
  try {
    session = await parts.dial(target);
  } catch (error) {
    const remedy = isOffhookError(error) ? error.remedy : undefined;
    return [fail('call', `${target}: ${describeError(error)}`, remedy ?? 'name another target')];
  }
  const over = () => session.call.phase === 'ended';
  const answered = () => session.call.phase === 'established';
  try {
    await session.until(() => answered() || over(), ANSWER_MS, signal);
    signal.throwIfAborted();
    if (!answered()) return [notAnswered(target, session)];
    let stats = await session.stats();
    for (let waited = 0; waited < LISTEN_MS && !over() && !settled(stats); waited += LOOK_MS) {
      await session.until(over, LOOK_MS, signal);
      signal.throwIfAborted();
      stats = await session.stats();
    }
    const messages = parts.messages(session.call.sipCallId ?? '');
    return [
      ok('call', `${target} has answered`),
      ...soundChecks({ stats, ours: address(messages, 'out'), theirs: address(messages, 'in') }),
    ];
  } finally {
    if (!over()) await parts.hangUp(session).catch(() => undefined);
  }
}

/** Sound comes, and the peer has told of ours. */
function settled(stats: SessionStats | undefined): boolean {
  return stats?.rttMs !== undefined && stats.rx.packets >= ENOUGH_PACKETS;
}

function notAnswered(target: string, { call }: PhoneCall): CheckInfo {
  const { status = 0, reason = `does not answer within ${ANSWER_MS / 1000} s` } = call.end ?? {};
  const said = `${target}: ${reason}${status > 0 ? ` (SIP ${status})` : ''}`;
  switch (status) {
    case 488:
    case 606:
      return fail('call', said, 'set `codecs` and `srtp` of the account to what the PBX takes');
    case 401:
    case 403:
    case 407:
      return fail('call', said, 'check username and password of the account, and what it may call');
    default:
      return fail('call', said, 'name somebody who answers by himself: an echo, a voice mailbox');
  }
}

export interface SoundFacts {
  readonly stats: SessionStats | undefined;
  /** Media addresses of the last descriptions, `192.0.2.1:5004`. */
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

/** Pure: a verdict for each direction. */
export function soundChecks({ stats, ours, theirs }: SoundFacts): readonly CheckInfo[] {
  if (stats === undefined) {
    const remedy = 'run offhook-engine doctor at the thin client';
    return [fail('engine', 'it has no figures of the test call', remedy)];
  }
  const { tx, rx, rttMs } = stats;
  const [here, there] = [ours ?? 'the thin client', theirs ?? 'the peer'];
  const sent = `sent ${tx.packets} packets from ${here} to ${there}`;
  const reported =
    rttMs === undefined
      ? '; the peer does not report (RTCP) what arrives'
      : `, where all but ${lossOf(tx.lossPct)} arrives`;
  const sending =
    tx.packets === 0
      ? fail('media', `nothing is sent from ${here}`, 'check the microphone: offhook devices')
      : ok('media', `${sent}${reported}`);
  const receiving =
    rx.packets === 0
      ? fail('media', `nothing comes to ${here} from ${there}`, silenceRemedy(ours, theirs))
      : ok('media', `received ${rx.packets} packets, ${lossOf(rx.lossPct)} lost`);
  return [sending, receiving];
}

function lossOf(percent: number | undefined): string {
  return `${(percent ?? 0).toFixed(1)} %`;
}

function silenceRemedy(ours: string | undefined, theirs: string | undefined): string {
  return isPrivate(ours) && theirs !== undefined && !isPrivate(theirs)
    ? 'the address of the thin client is private: have the PBX answer to where sound comes from (symmetric RTP), or set [rtp] address of offhook-engine'
    : 'let UDP through between thin client and PBX, and turn on symmetric RTP at the PBX';
}

/** RFC 1918, RFC 6598, RFC 4193. */
function isPrivate(endpoint: string | undefined): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\[?f[cd])/i.test(
    endpoint ?? '',
  );
}

/** Of the last description that went there: RFC 8866 §5.7 and §5.14. */
function address(
  messages: ReturnType<TestCallParts['messages']>,
  direction: 'in' | 'out',
): string | undefined {
  const message =
    messages.findLast((one) => one.direction === direction && /^m=audio/m.test(one.message))
      ?.message ?? '';
  const host = /^c=IN IP[46] (\S+)/m.exec(message)?.[1];
  const port = /^m=audio (\d+)/m.exec(message)?.[1];
  if (host === undefined || port === undefined) return undefined;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** For `TestCallParts.dial`: help is not called to try the sound. */
export function refuseEmergency(emergency: string | undefined): void {
  if (emergency === undefined) return;
  throw new OffhookError('call', 'bad-target', `${emergency} is an emergency number`);
}
