import { OffhookError } from '@offhook/common';
import type { ServiceRequest } from './services.ts';
import type { ConnectionState } from './terms.ts';
import type { Call, Connection, Device } from './things.ts';

/** What is known of a PBX, by whoever asks. */
export interface Known {
  device(id: string): Device | undefined;
  connection(id: string): Connection | undefined;
  call(id: string): Call | undefined;
}

/** Whose service it is: that device's capabilities and the caller's rights to it count. */
export interface Subject {
  readonly device: Device;
  /** Further devices that it touches, to which the caller needs rights as well. */
  readonly also: readonly string[];
}

/**
 * What must hold before a service goes to the PBX (the generic errors of ECMA-269 §12.2.16).
 *
 * @throws OffhookError layer `cti`: `no-such-device`, `no-such-connection`, `no-such-call`,
 * `invalid-state`, `not-supported`, `out-of-service`.
 */
export function check(model: Known, request: ServiceRequest): Subject {
  const subject = find(model, request);
  const { device } = subject;
  if (!device.capabilities.includes(request.service)) {
    throw new OffhookError('cti', 'not-supported', `${device.id} cannot do ${request.service}`, {
      details: { device: device.id, service: request.service },
    });
  }
  return subject;
}

function find(model: Known, request: ServiceRequest): Subject {
  switch (request.service) {
    case 'makeCall':
      return inService(deviceOf(model, request.params.device));
    case 'setDoNotDisturb':
    case 'setForwarding':
    case 'setMessageWaiting':
    case 'setAgentState':
      return { device: deviceOf(model, request.params.device), also: [] };
    case 'clearCall':
      return anyOf(model, request.params.call);
    case 'answerCall':
    case 'deflectCall':
      return own(model, request.params.connection, ['alerting']);
    case 'clearConnection':
      return own(model, request.params.connection, undefined);
    case 'retrieveCall':
      return own(model, request.params.connection, ['hold']);
    case 'singleStepTransfer':
      return own(model, request.params.connection, ['connected', 'hold']);
    case 'holdCall':
    case 'consultationCall':
    case 'generateDigits':
    case 'parkCall':
      return own(model, request.params.connection, ['connected']);
    case 'directedPickup': {
      const ringing = connectionOf(model, request.params.connection, ['alerting']);
      return { device: deviceOf(model, request.params.device), also: present(ringing.device) };
    }
    case 'alternateCall':
    case 'reconnectCall':
    case 'transferCall':
    case 'conferenceCall':
      return pair(model, request.params);
    case 'silentMonitor':
    case 'whisper':
    case 'bargeIn': {
      const agent = connectionOf(model, request.params.connection, ['connected', 'hold']);
      return { device: deviceOf(model, request.params.device), also: present(agent.device) };
    }
    default:
      return request satisfies never;
  }
}

function pair(model: Known, { held, active }: { held: string; active: string }): Subject {
  const first = connectionOf(model, held, ['hold']);
  const second = connectionOf(model, active, ['connected', 'initiated', 'alerting']);
  if (first.device === undefined || first.device !== second.device) {
    throw new OffhookError('cti', 'invalid-state', `${held} and ${active} are of two devices`);
  }
  if (first.call === second.call) {
    throw new OffhookError('cti', 'invalid-state', `${held} and ${active} are of one call`);
  }
  return { device: deviceOf(model, first.device), also: [] };
}

function own(model: Known, id: string, states: readonly ConnectionState[] | undefined): Subject {
  const connection = connectionOf(model, id, states);
  if (connection.device === undefined) {
    throw new OffhookError('cti', 'no-such-device', `${id} is not a connection of a device here`);
  }
  return { device: deviceOf(model, connection.device), also: [] };
}

function anyOf(model: Known, id: string): Subject {
  const call = model.call(id);
  if (call === undefined) throw new OffhookError('cti', 'no-such-call', `there is no call ${id}`);
  const [first, ...rest] = call.connections.flatMap(({ device }) => present(device));
  if (first === undefined) {
    throw new OffhookError('cti', 'no-such-device', `no device here is in call ${id}`);
  }
  return { device: deviceOf(model, first), also: rest };
}

function connectionOf(
  model: Known,
  id: string,
  states: readonly ConnectionState[] | undefined,
): Connection {
  const connection = model.connection(id);
  if (connection === undefined) {
    throw new OffhookError('cti', 'no-such-connection', `there is no connection ${id}`);
  }
  if (states !== undefined && !states.includes(connection.state)) {
    const wanted = states.join(' or ');
    const message = `connection ${id} is ${connection.state}, not ${wanted}`;
    throw new OffhookError('cti', 'invalid-state', message, {
      details: { connection: id, state: connection.state },
    });
  }
  return connection;
}

function deviceOf(model: Known, id: string): Device {
  const device = model.device(id);
  if (device !== undefined) return device;
  throw new OffhookError('cti', 'no-such-device', `there is no device ${id}`);
}

function inService(device: Device): Subject {
  if (device.inService) return { device, also: [] };
  throw new OffhookError('cti', 'out-of-service', `${device.id} is not in service`, {
    remedy: 'see whether the phone is registered at the PBX',
  });
}

function present(device: string | undefined): readonly string[] {
  return device === undefined ? [] : [device];
}
