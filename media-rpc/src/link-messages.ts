import { z } from 'zod';
import { instanceId } from './schemas.ts';

/**
 * What two links say to each other, one JSON object a frame, told from JSON-RPC messages by the
 * member `link`. `protocol`, `nonce` and `echo` mean the same in every version there will be.
 */

const nonce = z.string().regex(/^[0-9a-f]{32}$/);

export const linkRole = z.enum(['guest', 'engine']);

const hello = z.object({
  link: z.literal('hello'),
  role: linkRole,
  /** Versions of the media contract that the sender speaks. */
  protocol: z.object({ min: z.int().min(1), max: z.int().min(1) }),
  /** Fresh for each life of the link. */
  nonce,
  /** The receiver's nonce, once it is known. */
  echo: nonce.optional(),
  instance: instanceId,
  capabilities: z.array(z.string().max(64)).max(256).default([]),
  /** From the guest: what it asks for; from the engine: what it grants. Milliseconds. */
  leaseMs: z.int().min(0).optional(),
});

/** A sign of life, with the JSON-RPC messages sent before it and received so far in this life. */
const beat = z.object({
  link: z.literal('beat'),
  sent: z.int().min(0),
  got: z.int().min(0),
});

/** The sender leaves in good order, or for the reason given. */
const bye = z.object({
  link: z.literal('bye'),
  echo: nonce,
  reason: z.object({ code: z.string().max(64), message: z.string().max(1024) }).optional(),
});

export const linkMessage = z.discriminatedUnion('link', [hello, beat, bye]);

export type LinkRole = z.output<typeof linkRole>;
export type Hello = z.output<typeof hello>;
export type LinkMessage = z.output<typeof linkMessage>;
