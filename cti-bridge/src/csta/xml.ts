import { OffhookError } from '@offhook/common';
import { XMLParser, XMLValidator } from 'fast-xml-parser';

/** An element: its name without a prefix, its text, its children in order. */
export interface Element {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Element[];
}

const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 32;
const MAX_ELEMENTS = 4096;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  // The five of XML itself are replaced below; no document can define more.
  processEntities: false,
  parseTagValue: false,
  trimValues: true,
});

/**
 * Reads one document. None of CSTA's has a document type; one that has, and with it entities that
 * grow, is refused before anything reads it.
 *
 * @throws OffhookError `cti` `bad-xml`
 */
export function parseXml(text: string): Element {
  if (Buffer.byteLength(text) > MAX_BYTES) throw bad('too long');
  if (/<!(?!\[CDATA\[|--)/.test(text)) throw bad('it has a document type');
  if (XMLValidator.validate(text) !== true) throw bad('not well-formed');
  let budget = MAX_ELEMENTS;
  const convert = (nodes: readonly unknown[], depth: number): Element[] => {
    if (depth > MAX_DEPTH) throw bad('too deep');
    return nodes.flatMap((node): Element[] => {
      const [name] = Object.keys(node as object).filter((key) => key !== ':@');
      if (name === undefined || name.startsWith('?') || name.startsWith('#')) return [];
      if (--budget < 0) throw bad('too many elements');
      const inside = (node as Record<string, unknown[]>)[name] ?? [];
      const words = inside.flatMap((one) => {
        const value = (one as Record<string, unknown>)['#text'];
        return typeof value === 'string' ? [value] : [];
      });
      return [{ name, text: unescape(words.join('')), children: convert(inside, depth + 1) }];
    });
  };
  const [root] = convert(parse(text), 0);
  if (root === undefined) throw bad('it has no element');
  return root;
}

/** What the validator lets pass may still be too much for the parser. */
function parse(text: string): readonly unknown[] {
  try {
    return parser.parse(text) as unknown[];
  } catch {
    throw bad('not well-formed');
  }
}

/** The first child of that name, and of that in it, and so on. */
export function child(element: Element, ...path: readonly string[]): Element | undefined {
  let at: Element | undefined = element;
  for (const name of path) at = at?.children.find((one) => one.name === name);
  return at;
}

export function textOf(element: Element, ...path: readonly string[]): string | undefined {
  const text = child(element, ...path)?.text;
  return text === undefined || text === '' ? undefined : text;
}

/** A value to be written: text, or elements by name; undefined leaves the element out. */
export type Content =
  | string
  | { readonly [name: string]: Content | readonly Content[] | undefined };

export function writeXml(name: string, content: Content, namespace: string): string {
  const root = write(name, content).replace(`<${name}`, `<${name} xmlns="${escape(namespace)}"`);
  return `<?xml version="1.0" encoding="UTF-8"?>${root}`;
}

function write(name: string, content: Content): string {
  if (typeof content === 'string') return `<${name}>${escape(content)}</${name}>`;
  const inside = Object.entries(content).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return Array.isArray(value)
      ? (value as readonly Content[]).map((one) => write(key, one))
      : [write(key, value as Content)];
  });
  return `<${name}>${inside.join('')}</${name}>`;
}

/** Control characters are in no XML 1.0 document. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const PREDEFINED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unescape(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => PREDEFINED[name] ?? '');
}

function bad(why: string): OffhookError {
  return new OffhookError('cti', 'bad-xml', `a CSTA message cannot be read: ${why}`);
}
