import { z } from 'zod';
import { parseXml } from '@offhook/signaling/documents';

export const REGINFO = 'application/reginfo+xml';

/** A binding as its registrar tells of it (RFC 3680 §5.3). */
export interface ToldBinding {
  readonly uri: string;
  readonly state: 'active' | 'terminated';
  /** Why: `rejected`, `deactivated`, `probation`, `expired`, `unregistered` … */
  readonly event: string;
  /** Seconds; with `probation`. */
  readonly retryAfter: number | undefined;
}

const MAX_CONTACTS = 100;
const list = <T extends z.ZodType>(one: T) =>
  z.union([z.array(one).max(MAX_CONTACTS), one.transform((only) => [only])]).default([]);
const text = z
  .union([z.string(), z.object({ '#text': z.string() })])
  .transform((one) => (typeof one === 'string' ? one : one['#text']).trim());
const contact = z.object({
  '@state': z.enum(['active', 'terminated']),
  '@event': z.string().max(64),
  '@retry-after': z.coerce.number().int().min(0).optional().catch(undefined),
  uri: text,
});
const document = z.object({
  reginfo: z.object({ registration: list(z.object({ contact: list(contact) })) }),
});

/** The bindings that a notification is about; undefined for what is no such document. */
export function parseReginfo(body: string): readonly ToldBinding[] | undefined {
  const parsed = document.safeParse(parseXml(body));
  if (!parsed.success) return undefined;
  return parsed.data.reginfo.registration.flatMap((one) =>
    one.contact.map((row) => ({
      uri: row.uri,
      state: row['@state'],
      event: row['@event'],
      retryAfter: row['@retry-after'],
    })),
  );
}
