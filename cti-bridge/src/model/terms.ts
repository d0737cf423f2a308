import { z } from 'zod';

/**
 * The words of CSTA (ECMA-269, "Services for Computer Supported Telecommunications Applications")
 * that the bridge speaks: states, causes, events and services. What a PBX calls these things stays
 * in its adapter.
 */

/** Local connection states, ECMA-269 §6.1.5. */
export const connectionState = z.enum([
  'null',
  'initiated',
  'alerting',
  'connected',
  'hold',
  'queued',
  'fail',
]);
export type ConnectionState = z.output<typeof connectionState>;

/** Event causes, ECMA-269 §12.2.15, as far as one of the adapters tells them apart. */
export const eventCause = z.enum([
  'alternate',
  'busy',
  'callBack',
  'callCancelled',
  'callForward',
  'callNotAnswered',
  'callPickup',
  'conference',
  'consultation',
  'destNotObtainable',
  'doNotDisturb',
  'invalidNumber',
  'networkNotObtainable',
  'newCall',
  'normal',
  'normalClearing',
  'park',
  'recall',
  'redirected',
  'resourcesNotAvailable',
  'silentMonitor',
  'singleStepTransfer',
  'systemInitiated',
  'transfer',
  'unknown',
]);
export type EventCause = z.output<typeof eventCause>;

/** What a device can be asked to do; a device that cannot says so in its capabilities. */
export const serviceName = z.enum([
  'makeCall',
  'answerCall',
  'clearConnection',
  'clearCall',
  'holdCall',
  'retrieveCall',
  'alternateCall',
  'reconnectCall',
  'consultationCall',
  'transferCall',
  'singleStepTransfer',
  'deflectCall',
  'directedPickup',
  'conferenceCall',
  'generateDigits',
  'setDoNotDisturb',
  'setForwarding',
  'setMessageWaiting',
  'parkCall',
  'setAgentState',
  'silentMonitor',
  'whisper',
  'bargeIn',
]);
export type ServiceName = z.output<typeof serviceName>;

/** The part a party plays in a call: it decides whether `connected` means originated or established. */
export const connectionRole = z.enum(['calling', 'called', 'joined']);
export type ConnectionRole = z.output<typeof connectionRole>;

/** Agent states, ECMA-269 §6.1.4; `wrapUp` is CSTA's "working after call". */
export const agentStateName = z.enum(['loggedOff', 'ready', 'notReady', 'wrapUp']);

export const forwardingType = z.enum(['immediate', 'busy', 'noAnswer']);
export type ForwardingType = z.output<typeof forwardingType>;
