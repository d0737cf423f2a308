import type { ConnectionFact } from '../model/facts.ts';
import type { ConnectionRole, EventCause } from '../model/terms.ts';
import type { AmiPacket } from './ami-packet.ts';

/** The prefixes of the unique ids that we choose for the channels we originate. */
export const MAKE_PREFIX = 'offhook-make-';
export const JOIN_PREFIX = 'offhook-join-';

/** AST_STATE_* of include/asterisk/channelstate.h. */
const RING = 4;
const RINGING = 5;
const UP = 6;

/** What we know of one Asterisk channel. */
export interface Channel {
  readonly id: string;
  name: string;
  /** The key of its connection: the id, and once it became another device's, more. */
  key: string;
  device: string | undefined;
  call: string;
  state: number;
  role: ConnectionRole;
  /** It calls somebody: the caller's part is done, CSTA's "originated". */
  dialling: boolean;
  bridge: string | undefined;
  number: string | undefined;
  title: string | undefined;
  context: string;
  exten: string;
  /** The phone said so itself, by a re-INVITE. */
  phoneHeld: boolean;
  parked: boolean;
}

/** The endpoint that a channel belongs to: `alice` of `PJSIP/alice-0000002a`. */
export function endpointOf(channelName: string): string | undefined {
  return /^PJSIP\/(.+)-[0-9a-f]{8,}$/.exec(channelName)?.[1];
}

export function roleOf(id: string, state: number, linked: boolean): ConnectionRole {
  if (id.startsWith(JOIN_PREFIX)) return 'joined';
  if (id.startsWith(MAKE_PREFIX)) return 'calling';
  if (state === RING) return 'calling';
  return state === UP && !linked ? 'calling' : 'called';
}

/** How CSTA sees the channel; undefined while there is nothing to see yet. */
export function stateOf(channel: Channel, contract: string): ConnectionFact['state'] | undefined {
  if (channel.state === RINGING) return channel.role === 'called' ? 'alerting' : 'initiated';
  if (channel.state === RING) return channel.dialling ? 'connected' : 'initiated';
  if (channel.state !== UP) return channel.role === 'called' ? undefined : 'initiated';
  if (channel.parked) return 'queued';
  return channel.phoneHeld || isHeldHere(channel, contract) ? 'hold' : 'connected';
}

/** Held by the switch: it waits in the dial plan for `retrieve`. */
export function isHeldHere(channel: Channel, contract: string): boolean {
  return channel.bridge === undefined && channel.context === contract && channel.exten === 'held';
}

/** The far end of a call that is held by the switch. */
export function isWaiting(channel: Channel, contract: string): boolean {
  return (
    channel.bridge === undefined && channel.context === contract && channel.exten === 'waiting'
  );
}

/** Caller id as Asterisk gives it; `<unknown>` and an empty one are none. */
export function known(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value === '<unknown>'
    ? undefined
    : value.slice(0, 160);
}

/** Q.850 cause codes of a hang-up. */
export function hangupCause(packet: AmiPacket): EventCause {
  switch (Number(packet['Cause'])) {
    case 1:
    case 28:
      return 'invalidNumber';
    case 17:
      return 'busy';
    case 18:
    case 19:
      return 'callNotAnswered';
    case 20:
    case 27:
      return 'destNotObtainable';
    case 21:
    case 26:
      return 'callCancelled';
    case 34:
    case 38:
    case 41:
    case 42:
      return 'networkNotObtainable';
    case 16:
      return 'normalClearing';
    default:
      return 'normal';
  }
}

/** The end of an attempt to reach somebody that did not ring to its end; undefined when it did. */
export function dialFailure(status: string | undefined): EventCause | undefined {
  switch (status ?? '') {
    case 'BUSY':
      return 'busy';
    case 'CONGESTION':
      return 'resourcesNotAvailable';
    case 'CHANUNAVAIL':
      return 'destNotObtainable';
    case 'DONTCALL':
    case 'TORTURE':
    case 'INVALIDARGS':
      return 'invalidNumber';
    default:
      return undefined;
  }
}
