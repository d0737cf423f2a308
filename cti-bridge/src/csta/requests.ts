import { OffhookError } from '@offhook/common';
import type { ServiceRequest } from '../model/services.ts';
import type { Content } from './xml.ts';

/** A connection as the switch names it. */
export interface ConnectionId {
  readonly callID: string;
  readonly deviceID: string;
}

/** A request of ECMA-323 (its clause 12 to 15): the name of its element, and what is in it. */
export interface CstaRequest {
  readonly name: string;
  readonly content: Content;
  /** Where the response names the connection that was made. */
  readonly made?: string;
}

const FORWARDING = {
  immediate: 'forwardImmediate',
  busy: 'forwardBusy',
  noAnswer: 'forwardNoAns',
} as const;

/**
 * Each service as CSTA-XML has it.
 *
 * @throws OffhookError `cti` `not-supported` for what uaCSTA has no service for
 */
export function cstaRequest(
  request: ServiceRequest,
  connection: (id: string) => ConnectionId,
): CstaRequest {
  const { service, params } = request;
  const of = (id: string): Content => ({ ...connection(id) });
  switch (service) {
    case 'makeCall':
      return {
        name: 'MakeCall',
        content: {
          callingDevice: params.device,
          calledDirectoryNumber: params.to,
          autoOriginate: 'doNotPrompt',
        },
        made: 'callingDevice',
      };
    case 'answerCall':
      return { name: 'AnswerCall', content: { callToBeAnswered: of(params.connection) } };
    case 'clearConnection':
      return { name: 'ClearConnection', content: { connectionToBeCleared: of(params.connection) } };
    case 'holdCall':
      return { name: 'HoldCall', content: { callToBeHeld: of(params.connection) } };
    case 'retrieveCall':
      return { name: 'RetrieveCall', content: { callToBeRetrieved: of(params.connection) } };
    case 'alternateCall':
      return { name: 'AlternateCall', content: both(of, params) };
    case 'reconnectCall':
      return {
        name: 'ReconnectCall',
        content: { activeCall: of(params.active), heldCall: of(params.held) },
      };
    case 'consultationCall':
      return {
        name: 'ConsultationCall',
        content: { existingCall: of(params.connection), consultedDevice: params.to },
        made: 'initiatedCall',
      };
    case 'transferCall':
      return { name: 'TransferCall', content: both(of, params) };
    case 'conferenceCall':
      return { name: 'ConferenceCall', content: both(of, params) };
    case 'singleStepTransfer':
      return {
        name: 'SingleStepTransferCall',
        content: { activeCall: of(params.connection), transferredTo: params.to },
      };
    case 'deflectCall':
      return {
        name: 'DeflectCall',
        content: { callToBeDiverted: of(params.connection), newDestination: params.to },
      };
    case 'directedPickup':
      return {
        name: 'DirectedPickupCall',
        content: { callToBePickedUp: of(params.connection), requestingDevice: params.device },
      };
    case 'generateDigits':
      return {
        name: 'GenerateDigits',
        content: { connectionToSendDigits: of(params.connection), charactersToSend: params.digits },
      };
    case 'setDoNotDisturb':
      return {
        name: 'SetDoNotDisturb',
        content: { device: params.device, doNotDisturbOn: String(params.on) },
      };
    case 'setForwarding':
      return {
        name: 'SetForwarding',
        content: {
          device: params.device,
          forwardingType: FORWARDING[params.type],
          activateForward: String(params.to !== null),
          forwardDN: params.to ?? undefined,
        },
      };
    case 'setMessageWaiting':
      return {
        name: 'SetMessageWaitingIndicator',
        content: { device: params.device, messageWaitingOn: String(params.on) },
      };
    case 'clearCall':
    case 'parkCall':
    case 'setAgentState':
    case 'silentMonitor':
    case 'whisper':
    case 'bargeIn':
      throw new OffhookError('cti', 'not-supported', `uaCSTA has no ${service}`);
    default:
      return request satisfies never;
  }
}

function both(
  of: (id: string) => Content,
  { held, active }: { held: string; active: string },
): Content {
  return { heldCall: of(held), activeCall: of(active) };
}
