import { z } from 'zod';
import { escapeXml, parseXml } from '@offhook/signaling/documents';

/** Whether somebody can be reached, and what they do (RFC 3863; RFC 4480 for the activities). */
export interface Presence {
  readonly open: boolean;
  readonly activity: 'on-the-phone' | 'busy' | 'away' | undefined;
  readonly note: string | undefined;
}

export const PIDF = 'application/pidf+xml';

const words = z
  .union([z.string(), z.object({ '#text': z.string().default('') })])
  .transform((one) => (typeof one === 'string' ? one : one['#text']));
const activities = z.record(z.string(), z.unknown()).optional().catch(undefined);
const person = z.object({
  activities,
  /** Where drafts of RFC 4480 had them, and Asterisk still has. */
  status: z.object({ activities }).optional().catch(undefined),
  note: z.array(words).default([]).catch([]),
});
const document = z.object({
  presence: z.object({
    tuple: z
      .array(
        z.object({
          status: z.object({ basic: words.optional() }).optional().catch(undefined),
          note: z.array(words).default([]).catch([]),
        }),
      )
      .default([]),
    note: z.array(words).default([]).catch([]),
    person: z.array(person).default([]).catch([]),
  }),
});

export function parsePidf(body: string): Presence | undefined {
  const parsed = document.safeParse(parseXml(body));
  if (!parsed.success) return undefined;
  const { tuple, note, person: people } = parsed.data.presence;
  const does = people.flatMap((one) =>
    Object.keys({ ...one.activities, ...one.status?.activities }),
  );
  const notes = [
    ...note,
    ...tuple.flatMap((one) => one.note),
    ...people.flatMap((one) => one.note),
  ];
  return {
    open: tuple.some((one) => one.status?.basic?.trim().toLowerCase() === 'open'),
    activity: (['on-the-phone', 'busy', 'away'] as const).find((one) => does.includes(one)),
    note: notes.map((one) => one.trim()).find((one) => one !== ''),
  };
}

export function writePidf(entity: string, { open, activity, note }: Presence): string {
  const words = note === undefined ? '' : `<note>${escapeXml(note)}</note>`;
  const person =
    activity === undefined
      ? ''
      : `<dm:person id="p1"><rpid:activities><rpid:${activity}/></rpid:activities></dm:person>`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<presence xmlns="urn:ietf:params:xml:ns:pidf"' +
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"' +
    ' xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"' +
    ` entity="${escapeXml(entity)}">` +
    `<tuple id="t1"><status><basic>${open ? 'open' : 'closed'}</basic></status>` +
    `${words}</tuple>${person}</presence>`
  );
}
