import type { z } from 'zod';
import type { KeyPath } from './toml-lines.ts';

/** A key that a schema does not know, with the known keys it could be a misspelling of. */
export interface UnknownKey {
  readonly path: KeyPath;
  readonly known: readonly string[];
}

/**
 * Keys of `data` that `schema` has no place for, at any depth: a misspelt key must not silently
 * leave a default in force, whether or not the schema is a strict one.
 */
export function unknownKeys(
  schema: z.core.$ZodType,
  data: unknown,
  path: KeyPath = [],
): UnknownKey[] {
  if (Array.isArray(data)) {
    const elements = alternatives(schema).flatMap((one) => (isType(one, 'array') ? [one] : []));
    const element = elements[0]?._zod.def.element;
    if (element === undefined) return [];
    return data.flatMap((item, index) => unknownKeys(element, item, [...path, index]));
  }
  if (typeof data !== 'object' || data === null || data instanceof Date) return [];

  const options = alternatives(schema);
  if (options.some((one) => isOpen(one))) {
    const values = options.flatMap((one) => (isType(one, 'record') ? [one] : []));
    const value = values[0]?._zod.def.valueType;
    if (value === undefined) return [];
    return Object.entries(data).flatMap(([key, item]) => unknownKeys(value, item, [...path, key]));
  }
  const shapes = options.flatMap((one) => (isType(one, 'object') ? [one._zod.def.shape] : []));
  if (shapes.length === 0) return [];
  const known = [...new Set(shapes.flatMap((shape) => Object.keys(shape)))];
  return Object.entries(data).flatMap(([key, item]) => {
    const here = [...path, key];
    if (!known.includes(key)) return [{ path: here, known }];
    const results = shapes.flatMap((shape) => {
      const value = shape[key];
      return value === undefined ? [] : [unknownKeys(value, item, here)];
    });
    return results.toSorted((a, b) => a.length - b.length)[0] ?? [];
  });
}

type SchemaOf<T extends z.core.$ZodTypes['_zod']['def']['type']> = Extract<
  z.core.$ZodTypes,
  { _zod: { def: { type: T } } }
>;

function isType<T extends z.core.$ZodTypes['_zod']['def']['type']>(
  schema: z.core.$ZodTypes,
  type: T,
): schema is SchemaOf<T> {
  return schema._zod.def.type === type;
}

/** Records and objects with a catch-all take any key. */
function isOpen(schema: z.core.$ZodTypes): boolean {
  if (isType(schema, 'record')) return true;
  if (!isType(schema, 'object')) return false;
  const { catchall } = schema._zod.def;
  return catchall !== undefined && catchall._zod.def.type !== 'never';
}

/** The schemas that a value can meet, with optional(), default(), pipe() and unions opened up. */
function alternatives(schema: z.core.$ZodType): z.core.$ZodTypes[] {
  const one = schema as z.core.$ZodTypes;
  const { def } = one._zod;
  if (def.type === 'pipe') return alternatives(def.in);
  if (def.type === 'lazy') return alternatives(def.getter());
  if (def.type === 'union') return def.options.flatMap((option) => alternatives(option));
  if ('innerType' in def && WRAPPERS.has(def.type)) return alternatives(def.innerType);
  return [one];
}

/** Types that hold another one and take the same keys. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'optional',
  'nullable',
  'default',
  'prefault',
  'nonoptional',
  'readonly',
  'catch',
]);

/** The known word nearest to a misspelt one, if it is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Levenshtein distance, a transposition of neighbours counting one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(beforeLast, j - 2) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
