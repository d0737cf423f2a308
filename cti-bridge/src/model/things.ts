import { z } from 'zod';
import {
  agentStateName,
  connectionRole,
  connectionState,
  eventCause,
  forwardingType,
  serviceName,
} from './terms.ts';

/** An identifier that an adapter gives: opaque, printable, of bounded length. */
export const identifier = z
  .string()
  .min(1)
  .max(160)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

/** Who is at the end of a connection, as far as the PBX tells. */
export const party = z.object({
  number: z.string().max(160).optional(),
  name: z.string().max(160).optional(),
});
export type Party = z.output<typeof party>;

/** One leg of a call: the relation of one party to it (ECMA-269 §6.1.5). */
export const connection = z.object({
  id: identifier.describe('Stays the same when the connection moves to another call'),
  call: identifier,
  device: identifier.optional().describe('Absent for a party outside of the PBX'),
  party,
  role: connectionRole,
  state: connectionState,
  cause: eventCause.describe('Why it is in this state'),
  since: z.number().describe('Wall-clock milliseconds of the last change of state'),
});
export type Connection = z.output<typeof connection>;

export const agent = z.object({
  queue: identifier,
  state: agentStateName,
  reason: z.string().max(80).optional(),
});
export type Agent = z.output<typeof agent>;

export const forwarding = z.object({ type: forwardingType, to: z.string().max(160) });
export type Forwarding = z.output<typeof forwarding>;

export const device = z.object({
  id: identifier,
  kind: z.enum(['station', 'queue', 'park']),
  name: z.string().max(160).optional(),
  number: z.string().max(160).optional(),
  inService: z.boolean(),
  doNotDisturb: z.boolean().optional().describe('Absent where the PBX does not tell'),
  forwarding: z.array(forwarding).max(8).optional(),
  messageWaiting: z.boolean().optional(),
  agent: z.array(agent).max(64).optional(),
  capabilities: z.array(serviceName).describe('What it can be asked to do'),
});
export type Device = z.output<typeof device>;

export const call = z.object({
  id: identifier.describe('Stays the same through transfer and conference'),
  connections: z.array(connection),
});
export type Call = z.output<typeof call>;

export const eventType = z.enum([
  'serviceInitiated',
  'originated',
  'delivered',
  'established',
  'held',
  'retrieved',
  'queued',
  'failed',
  'diverted',
  'transferred',
  'conferenced',
  'connectionCleared',
  'digitsGenerated',
  'connectionChanged',
  'deviceChanged',
  'deviceRemoved',
]);
export type EventType = z.output<typeof eventType>;

/**
 * What happened, with enough in it that whoever has a snapshot and all events since has what the
 * bridge has (see `Mirror`). `connectionChanged` tells a new party or name, nothing of CSTA's.
 */
export const ctiEvent = z.object({
  type: eventType,
  cause: eventCause,
  at: z.number().describe('Wall-clock milliseconds'),
  call: identifier.optional(),
  connection: connection.optional().describe('As it is after the event; `null` when it is over'),
  moved: z
    .array(connection)
    .optional()
    .describe('Connections that came from the other call, transferred or conferenced'),
  fromCall: identifier.optional().describe('The call that went up in `call`'),
  by: identifier.optional().describe('The device that transferred or conferenced'),
  device: device.optional().describe('Of `deviceChanged` and `deviceRemoved`'),
  digits: z.string().max(32).optional(),
});
export type CtiEvent = z.output<typeof ctiEvent>;

/** Everything at one moment. */
export const modelSnapshot = z.object({
  devices: z.array(device),
  connections: z.array(connection),
});
export type ModelSnapshot = z.output<typeof modelSnapshot>;
