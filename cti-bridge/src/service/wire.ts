import { z } from 'zod';
import { serviceName, type ServiceName } from '../model/terms.ts';
import { call, ctiEvent, device, identifier, modelSnapshot } from '../model/things.ts';

/** What crosses the WebSocket, the event stream and REST; the client checks it with the same schemas. */

/** An event with its number. Numbers have no gaps, but for what the reader has no right to see. */
export const logEntry = z.object({
  seq: z.int().min(1),
  event: ctiEvent,
  call: call
    .optional()
    .describe('The call as it is after the event; without connections it is over for the reader'),
});
export type LogEntry = z.output<typeof logEntry>;

const written = new WeakMap<LogEntry, string>();

/** An entry as JSON, written once for all who get it. */
export function entryJson(entry: LogEntry): string {
  const known = written.get(entry);
  if (known !== undefined) return known;
  const text = JSON.stringify(entry);
  written.set(entry, text);
  return text;
}

/** Where in the log a reader is. */
export const position = z.object({
  epoch: z.string().min(1).max(64).describe('Changes when the numbers begin anew'),
  seq: z.int().min(0).describe('The last event that was seen'),
});
export type Position = z.output<typeof position>;

export const snapshot = position.extend(modelSnapshot.shape);

const subscribeParams = z.strictObject({
  since: position
    .optional()
    .describe('Events after this one come, if they are still kept; else a snapshot'),
});
const subscribeResult = position.extend({
  resumed: z.boolean().describe('Whether it goes on where `since` was'),
  snapshot: modelSnapshot.optional(),
});

export const systemStatus = z.object({
  version: z.string(),
  pbxs: z.array(z.object({ name: z.string(), up: z.boolean(), reason: z.string().optional() })),
});

/** Methods of JSON-RPC that are no services: what is read. */
export const queries = {
  authenticate: {
    title: 'Says who calls, where no header could; must then be the first request',
    params: z.strictObject({ token: z.string().max(8192) }),
    result: z.object({ name: z.string() }),
  },
  systemStatus: {
    title: 'Whether the PBXs are there',
    params: z.strictObject({}),
    result: systemStatus,
  },
  devices: {
    title: 'The devices that the caller has a right to',
    params: z.strictObject({}),
    result: z.object({ devices: z.array(device) }),
  },
  snapshotDevice: {
    title: 'One device, and the calls that it is in',
    params: z.strictObject({ device: identifier }),
    result: z.object({ device, calls: z.array(call) }),
  },
  calls: {
    title: 'The calls of these devices',
    params: z.strictObject({}),
    result: z.object({ calls: z.array(call) }),
  },
  snapshotCall: {
    title: 'One call, also under the id of one that went up in it',
    params: z.strictObject({ call: identifier }),
    result: call,
  },
  snapshot: {
    title: 'Everything, with the number of the last event',
    params: z.strictObject({}),
    result: snapshot,
  },
  subscribe: {
    title: 'Turns on events (notifications `event`), without a gap after what it returns',
    params: subscribeParams,
    result: subscribeResult,
  },
  unsubscribe: {
    title: 'Turns events off',
    params: z.strictObject({}),
    result: z.strictObject({}),
  },
} as const;

export type QueryName = keyof typeof queries;
export type QueryParams<N extends QueryName> = z.output<(typeof queries)[N]['params']>;
export type QueryResult<N extends QueryName> = z.output<(typeof queries)[N]['result']>;

export function isService(method: string): method is ServiceName {
  return serviceName.safeParse(method).success;
}
