import { z } from 'zod';
import { OffhookError, type Layer } from './errors.ts';

/**
 * The control socket speaks JSON-RPC 2.0, one JSON object a line (no batches), over a Unix socket.
 *
 * - A failed request's `error.data` is `{layer, code, remedy?, details?}` of the OffhookError.
 * - `subscribe` `{events?: string[]}` turns on events (all, or those named) for that connection;
 *   each is a notification whose method is the event's name.
 * - The notification `$/cancel` `{id}` takes a request back; so does closing the connection.
 */

/** The longest line in either direction, bytes. */
export const MAX_LINE_BYTES = 1024 * 1024;

export const SUBSCRIBE = 'subscribe';
export const CANCEL = '$/cancel';

/** JSON-RPC 2.0 §5.1, and one number for every failure that has a name of its own. */
export const rpcCode = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  named: -32000,
} as const;

export const requestId = z.union([z.string().max(128), z.number()]);

export const request = z.object({
  jsonrpc: z.literal('2.0'),
  id: requestId.optional(),
  method: z.string().max(128),
  params: z.unknown().optional(),
});

export const subscribeParams = z.object({ events: z.array(z.string()).max(256).optional() });
export const cancelParams = z.object({ id: requestId });

const layers = [
  'config',
  'control',
  'channel',
  'rpc',
  'engine',
  'worker',
  'device',
  'media',
  'signaling',
  'call',
  'cti',
  'system',
] as const satisfies readonly Layer[];

export const wireError = z.object({
  code: z.number(),
  message: z.string(),
  data: z
    .object({
      layer: z.enum(layers),
      code: z.string(),
      remedy: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
});

export const response = z.object({
  jsonrpc: z.literal('2.0'),
  id: requestId.nullable().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: wireError.optional(),
});

export type RequestId = z.output<typeof requestId>;
export type WireError = z.output<typeof wireError>;

export function toWire(error: OffhookError, code: number = rpcCode.named): WireError {
  return {
    code,
    message: error.message,
    data: { layer: error.layer, code: error.code, remedy: error.remedy, details: error.details },
  };
}

export function fromWire(error: WireError): OffhookError {
  const { data } = error;
  if (data === undefined) return new OffhookError('control', 'refused', error.message);
  return new OffhookError(data.layer, data.code, error.message, {
    remedy: data.remedy,
    details: data.details,
  });
}

/** `invalid-params`, with the place of each problem: `timeoutMs: expected number …`. */
export function invalidParams(method: string, error: z.ZodError): OffhookError {
  const problems = error.issues.map(({ path, message }) => {
    const where = path.map(String).join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  return new OffhookError('control', 'invalid-params', `${method}: ${problems.join('; ')}`);
}
