import { XMLParser } from 'fast-xml-parser';

/** Longer ones are no lamp's and nobody's presence. */
const MAX_LENGTH = 65_536;

/** Elements that are lists even where there is but one. */
const LISTS = new Set(['dialog', 'param', 'tuple', 'note', 'person']);

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => LISTS.has(name),
});

/** A document as plain objects, names without prefixes; undefined for what is none, or is too much. */
export function parseXml(text: string): unknown {
  // Nothing that SIP carries needs a document type; entities that expand are an attack.
  if (text.length > MAX_LENGTH || /<!DOCTYPE/i.test(text)) return undefined;
  try {
    return parser.parse(text, true) as unknown;
  } catch {
    return undefined;
  }
}

export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? '').replaceAll(/\p{Cc}/gu, ' ');
}
