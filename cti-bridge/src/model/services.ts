import { z } from 'zod';
import { agentStateName, forwardingType, type ServiceName } from './terms.ts';
import { identifier } from './things.ts';

/**
 * The services of the bridge, one row each: JSON-RPC, REST, its OpenAPI description and the typed
 * client are all made from this table. Names are ECMA-269's where it has one.
 */

/**
 * What can be dialled. Nothing that a dial plan or a line protocol could take for its own
 * punctuation: no comma, ampersand, parenthesis, space or line end.
 */
const dialString = z
  .string()
  .regex(/^[0-9A-Za-z*#+._-]{1,64}$/, 'must be 1 to 64 of letters, digits and * # + . _ -');

const words = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[\p{L}\p{N} .,_/-]+$/u, 'must be words');

const device = identifier.describe('The device that does it');
const one = z.strictObject({ connection: identifier });
const two = z.strictObject({
  held: identifier.describe('The connection on hold'),
  active: identifier.describe('The other connection of the same device'),
});
const supervise = z.strictObject({
  device: identifier.describe("The supervisor's device; it is called first"),
  connection: identifier.describe("The agent's connection"),
});

interface Service {
  readonly title: string;
  readonly params: z.ZodObject;
}

export const services = {
  makeCall: {
    title: 'Lets a device call a number; the device answers its own leg where it can',
    params: z.strictObject({ device, to: dialString }),
  },
  answerCall: { title: 'Answers a call that rings', params: one },
  clearConnection: { title: 'Takes one party out of a call', params: one },
  clearCall: {
    title: 'Ends a call for everybody',
    params: z.strictObject({ call: identifier }),
  },
  holdCall: { title: 'Puts the far end on hold', params: one },
  retrieveCall: { title: 'Takes a held call back', params: one },
  alternateCall: { title: 'Holds the active call and takes the held one back', params: two },
  reconnectCall: { title: 'Ends the active call and takes the held one back', params: two },
  consultationCall: {
    title: 'Holds a call and calls somebody else',
    params: z.strictObject({ connection: identifier, to: dialString }),
  },
  transferCall: { title: 'Connects the far ends of two calls with each other', params: two },
  singleStepTransfer: {
    title: 'Hands a call on to a number without asking there first',
    params: z.strictObject({ connection: identifier, to: dialString }),
  },
  deflectCall: {
    title: 'Sends a call that rings on to another number',
    params: z.strictObject({ connection: identifier, to: dialString }),
  },
  directedPickup: {
    title: 'Takes a call that rings at another device',
    params: z.strictObject({
      connection: identifier.describe('The connection that rings'),
      device,
    }),
  },
  conferenceCall: { title: 'Makes one call of two', params: two },
  generateDigits: {
    title: 'Sends DTMF digits to the far end',
    params: z.strictObject({
      connection: identifier,
      digits: z.string().regex(/^[0-9A-D*#]{1,32}$/, 'must be 1 to 32 of 0-9 A-D * #'),
    }),
  },
  setDoNotDisturb: {
    title: 'Turns do not disturb on or off',
    params: z.strictObject({ device, on: z.boolean() }),
  },
  setForwarding: {
    title: 'Forwards calls of a device, or stops to',
    params: z.strictObject({ device, type: forwardingType, to: dialString.nullable() }),
  },
  setMessageWaiting: {
    title: 'Lights or clears the message lamp',
    params: z.strictObject({ device, on: z.boolean() }),
  },
  parkCall: { title: 'Parks the far end, for anybody to fetch', params: one },
  setAgentState: {
    title: 'Logs on to or off from a queue, or tells it whether calls are welcome',
    params: z.strictObject({
      device,
      queue: identifier,
      state: agentStateName,
      reason: words.optional(),
    }),
  },
  silentMonitor: { title: 'Listens to a call unheard', params: supervise },
  whisper: { title: 'Listens, and is heard by the agent alone', params: supervise },
  bargeIn: { title: 'Joins a call, heard by everybody', params: supervise },
} as const satisfies Record<ServiceName, Service>;

export type ServiceParams<N extends ServiceName> = z.output<(typeof services)[N]['params']>;

export type ServiceRequest = {
  [N in ServiceName]: { readonly service: N; readonly params: ServiceParams<N> };
}[ServiceName];

/** What a service brought about, where that is something new. */
export const serviceResult = z.object({
  call: identifier.optional().describe('The call that was made'),
  connection: identifier.optional().describe("The device's connection in it"),
  parkedAt: z.string().max(64).optional().describe('The number to fetch a parked call from'),
});
export type ServiceResult = z.output<typeof serviceResult>;
