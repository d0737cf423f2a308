import type { ConnectionRole, ConnectionState } from './terms.ts';
import type { EventType } from './things.ts';

type Living = Exclude<ConnectionState, 'null'>;

/**
 * The event that a change of state is (ECMA-269 §17.2), also where the states in between were never
 * told. Undefined when the state is the same.
 */
export function eventOf(
  before: ConnectionState,
  after: Living,
  role: ConnectionRole,
): EventType | undefined {
  if (before === after) return undefined;
  switch (after) {
    case 'initiated':
      return 'serviceInitiated';
    case 'alerting':
      return 'delivered';
    case 'hold':
      return 'held';
    case 'queued':
      return 'queued';
    case 'fail':
      return 'failed';
    case 'connected':
      return connectedEvent(before, role);
    default:
      return after satisfies never;
  }
}

function connectedEvent(before: ConnectionState, role: ConnectionRole): EventType {
  if (before === 'hold') return 'retrieved';
  if (role === 'calling' && (before === 'null' || before === 'initiated')) return 'originated';
  return 'established';
}

/**
 * Whether a fact may move a connection there: what was answered does not ring again. Such a fact is
 * a late one. A failed connection can only be cleared.
 */
export function mayBecome(before: ConnectionState, after: Living): boolean {
  switch (before) {
    case 'null':
    case 'initiated':
      return true;
    case 'alerting':
    case 'queued':
      return after !== 'initiated';
    case 'connected':
      return after !== 'initiated' && after !== 'alerting';
    case 'hold':
      return after === 'hold' || after === 'connected' || after === 'fail';
    case 'fail':
      return after === 'fail';
    default:
      return before satisfies never;
  }
}
