import { z } from 'zod';

const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must not have control characters');

const contactNumber = z.object({
  type: z.enum(['work', 'home', 'mobile', 'sip', 'other']).default('other'),
  value: line(256).describe('Number, or SIP address'),
});

/** A person or a place that can be called. */
export const contact = z.object({
  id: line(256).describe('UID of the vCard'),
  name: line(256),
  organisation: line(256).nullable().default(null),
  numbers: z.array(contactNumber).max(20).describe('The first one is called by default'),
  favourite: z.boolean().default(false),
});

export type Contact = z.output<typeof contact>;
export type ContactNumber = Contact['numbers'][number];
