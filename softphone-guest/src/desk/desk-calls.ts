import { createHash } from 'node:crypto';
import type { Connection } from '@offhook/cti-bridge/client';
import { letters } from '../call/letters.ts';
import { newCall, type Call, type RemoteParty, type TransferProgress } from '../call/model.ts';

/** What is known of the desk phone's calls beside what the bridge tells. */
export interface DeskContext {
  /** Completes numbers to SIP URIs, so that they can be called again from either handset. */
  readonly domain: string;
  /** Stands where calls of the softphone have their address of record. */
  readonly account: string;
  /** The name of a far end in the person's contacts. */
  readonly nameOf: (uri: string) => string | undefined;
  /** What was dialled for a connection that this program made. */
  readonly dialled: (connection: string) => string | undefined;
  readonly transfer: (connection: string) => TransferProgress | undefined;
}

/** A call at the desk phone, as CSTA's connections show it. */
export interface SeenCall {
  /** The phone's own leg. */
  readonly mine: Connection;
  readonly call: Call;
}

/**
 * The calls that a device is in. Pure: connections as the bridge has them, and the calls as they were,
 * give the calls as they are.
 */
export function deskCalls(
  device: string,
  connections: readonly Connection[],
  before: ReadonlyMap<string, Call>,
  context: DeskContext,
): readonly SeenCall[] {
  return connections
    .filter((one) => one.device === device && one.state !== 'null')
    .map((mine) => {
      const far = connections.filter((one) => one.call === mine.call && one.id !== mine.id);
      return { mine, call: seenCall(mine, far, before.get(deskCallId(mine.id)), context) };
    })
    .toSorted((a, b) => a.call.startedAt - b.call.startedAt);
}

/** The same for the same connection, also in the next process. */
export function deskCallId(connection: string): string {
  const bytes = createHash('sha256').update(connection).digest();
  let at = 0;
  return letters(() => (bytes[at++] ?? 0) / 256, 6);
}

/** The SIP URI of a number at this PBX; of a party that the PBX does not name, nobody's (RFC 3323 §4.1.1.3). */
export function uriOfNumber(number: string | undefined, domain: string): string {
  if (number === undefined || !/^[0-9A-Za-z*#+._-]{1,64}$/.test(number)) {
    return 'sip:anonymous@anonymous.invalid';
  }
  return `sip:${number.replaceAll('#', '%23')}@${domain}`;
}

function seenCall(
  mine: Connection,
  far: readonly Connection[],
  before: Call | undefined,
  context: DeskContext,
): Call {
  const phase = phaseOf(mine, far, before);
  const established = phase === 'established';
  const fresh = newCall({
    place: 'desk',
    id: deskCallId(mine.id),
    sipCallId: mine.call,
    account: context.account,
    direction: before?.direction ?? (mine.role === 'called' ? 'incoming' : 'outgoing'),
    remote: remoteOf(mine, far, before, context),
    at: before?.startedAt ?? mine.since,
  });
  const held = mine.state === 'hold';
  return {
    ...fresh,
    phase,
    answeredAt: before?.answeredAt ?? (established ? answeredAt(mine, far) : undefined),
    hold: { wanted: held, inForce: held },
    remoteHeld: established && far.length > 0 && far.every(({ state }) => state === 'hold'),
    conference: far.length > 1 && established ? fresh.id : undefined,
    transfer: context.transfer(mine.id) ?? before?.transfer,
  };
}

function answeredAt(mine: Connection, far: readonly Connection[]): number {
  return Math.max(mine.since, ...far.map(({ since }) => since));
}

/** ECMA-269 §6.1.5: local connection states, and what they are together. */
function phaseOf(
  mine: Connection,
  far: readonly Connection[],
  before: Call | undefined,
): Call['phase'] {
  switch (mine.state) {
    case 'initiated':
      return 'dialing';
    case 'alerting':
      return 'incoming';
    case 'fail':
    case 'null':
      return 'ending';
    case 'queued':
      return 'early';
    case 'hold':
      return 'established';
    case 'connected':
      return mine.role === 'calling' ? callingPhase(far, before) : 'established';
    default:
      return mine.state satisfies never;
  }
}

/** Connected is also who has dialled and waits: the far ends say how it is. */
function callingPhase(far: readonly Connection[], before: Call | undefined): Call['phase'] {
  const are = (...states: readonly Connection['state'][]) =>
    far.some(({ state }) => states.includes(state));
  if (are('connected', 'hold')) return 'established';
  if (are('alerting')) return 'ringing';
  if (are('fail')) return 'ending';
  // It is on its way to somebody else.
  if (before?.answeredAt !== undefined) return 'established';
  // Queues, announcements, menus: the PBX plays, and nobody is there yet that it would tell of.
  return 'early';
}

function remoteOf(
  mine: Connection,
  far: readonly Connection[],
  before: Call | undefined,
  context: DeskContext,
): RemoteParty {
  const [first, ...more] = far;
  if (first === undefined) {
    const dialled = context.dialled(mine.id);
    // The far end of a call that is up is only on its way to somebody else.
    if (before !== undefined && (before.answeredAt !== undefined || dialled === undefined)) {
      return before.remote;
    }
    return named(uriOfNumber(dialled, context.domain), undefined, context);
  }
  const uri = uriOfNumber(first.party.number ?? first.device, context.domain);
  if (more.length === 0) return named(uri, first.party.name, context);
  const names = far.map((one) => one.party.name ?? one.party.number ?? one.device ?? '?');
  return { uri, displayName: names.join(', '), contact: undefined };
}

function named(uri: string, displayName: string | undefined, context: DeskContext): RemoteParty {
  return { uri, displayName, contact: context.nameOf(uri) };
}
