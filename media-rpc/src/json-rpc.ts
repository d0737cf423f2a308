import { z } from 'zod';
import { OffhookError } from '@offhook/common';
import { mediaErrors, type MediaErrorCode } from './contract.ts';

/** JSON-RPC 2.0 as the two ends of the media contract use it: requests one way, events the other. */

const id = z.int().min(0);

/** Facts of an error that both ends' OffhookError has. */
const wireError = z.object({
  code: z.int(),
  message: z.string(),
  data: z
    .object({
      /** Of `mediaErrors`, or a name of the RPC layer's own. */
      code: z.string().max(64),
      remedy: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
});

/** What an engine receives. */
export const fromGuest = z.object({
  id: id.optional(),
  method: z.string().max(64),
  params: z.unknown().optional(),
});

/** What a guest receives: a response (`id`) or an event (`method`). */
export const fromEngine = z.object({
  id: id.optional(),
  result: z.unknown().optional(),
  error: wireError.optional(),
  method: z.string().max(64).optional(),
  params: z.unknown().optional(),
});

/** The notification that takes a request back. */
export const CANCEL = '$/cancel';
export const cancelParams = z.object({ id });

export type WireError = z.output<typeof wireError>;

/** JSON-RPC 2.0 §5.1; and one number for all failures that have a name. */
const code = {
  'invalid-params': -32602,
  'unknown-method': -32601,
  internal: -32603,
  named: -32000,
} as const;

export function toWire(error: OffhookError): WireError {
  const number = error.code in code ? code[error.code as keyof typeof code] : code.named;
  return {
    code: number,
    message: error.message,
    data: { code: error.code, remedy: error.remedy, details: error.details },
  };
}

/** The contract's names come back in layer `engine`, everything else in layer `rpc`. */
export function fromWire(error: WireError): OffhookError {
  const name = error.data?.code ?? 'internal';
  return new OffhookError(isMediaError(name) ? 'engine' : 'rpc', name, error.message, {
    remedy: error.data?.remedy,
    details: error.data?.details,
  });
}

function isMediaError(name: string): name is MediaErrorCode {
  return Object.hasOwn(mediaErrors, name);
}
