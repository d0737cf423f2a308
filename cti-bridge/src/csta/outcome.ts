import type { ServiceRequest } from '../model/services.ts';
import type { ConnectionState } from '../model/terms.ts';
import type { Device } from '../model/things.ts';

/** What the events have said so far. */
export interface Told {
  /** `null` for a connection that nobody told of, or that is over. */
  stateOf(key: string): ConnectionState;
  device(id: string): Device | undefined;
}

/**
 * Whether the events say that what was asked for is done. A switch answers when it has understood,
 * which may be before. `made` is the connection that the response named.
 */
export function isDone(request: ServiceRequest, told: Told, made: string | undefined): boolean {
  const { service, params } = request;
  const is = (key: string, state: ConnectionState) => told.stateOf(key) === state;
  switch (service) {
    case 'makeCall':
    case 'consultationCall':
      return made === undefined || !is(made, 'null');
    case 'answerCall':
    case 'retrieveCall':
      return is(params.connection, 'connected');
    case 'holdCall':
      return is(params.connection, 'hold');
    case 'clearConnection':
    case 'singleStepTransfer':
    case 'deflectCall':
    case 'directedPickup':
      return is(params.connection, 'null');
    case 'alternateCall':
      return is(params.held, 'connected') && is(params.active, 'hold');
    case 'reconnectCall':
      return is(params.held, 'connected') && is(params.active, 'null');
    case 'transferCall':
      return is(params.held, 'null') && is(params.active, 'null');
    case 'conferenceCall':
      return is(params.held, 'connected') !== is(params.active, 'connected');
    case 'setDoNotDisturb':
      return told.device(params.device)?.doNotDisturb === params.on;
    case 'setMessageWaiting':
      return told.device(params.device)?.messageWaiting === params.on;
    case 'setForwarding': {
      const list = told.device(params.device)?.forwarding;
      const now = list?.find(({ type }) => type === params.type)?.to ?? null;
      return list !== undefined && now === params.to;
    }
    case 'generateDigits':
    case 'clearCall':
    case 'parkCall':
    case 'setAgentState':
    case 'silentMonitor':
    case 'whisper':
    case 'bargeIn':
      return true;
    default:
      return request satisfies never;
  }
}
