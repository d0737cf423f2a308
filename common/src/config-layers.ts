import { dottedKey, type KeyPath } from './toml-lines.ts';

/** One file's share of a configuration. */
export interface ConfigLayer {
  readonly data: unknown;
  /** Where a key of it stands: `file:line`. */
  readonly placeOf: (path: KeyPath) => ConfigPlace;
}

export interface ConfigPlace {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

export interface MergedConfig {
  readonly data: unknown;
  readonly placeOf: (path: KeyPath) => ConfigPlace;
}

/**
 * Puts one layer over another: tables are merged key by key, everything else is replaced. Lists of
 * tables are replaced as well, but for those of `keyed`: elements with the same key are merged.
 */
export function mergeLayers(
  over: ConfigLayer,
  under: ConfigLayer,
  keyed: Readonly<Record<string, string>>,
): MergedConfig {
  /** What the merged document has from elsewhere than from the same path of `over`. */
  const origins = new Map<string, { readonly layer: ConfigLayer; readonly there: KeyPath }>();
  const from = (at: KeyPath, layer: ConfigLayer, there: KeyPath): void => {
    origins.set(JSON.stringify(at), { layer, there });
  };

  const merge = (
    at: KeyPath,
    upper: unknown,
    above: KeyPath,
    lower: unknown,
    below: KeyPath,
  ): unknown => {
    if (isTable(upper) && isTable(lower)) {
      from(at, over, above);
      const all = new Set([...Object.keys(lower), ...Object.keys(upper)]);
      const entries: [string, unknown][] = [...all].map((key) => [
        key,
        merge([...at, key], upper[key], [...above, key], lower[key], [...below, key]),
      ]);
      return Object.fromEntries(entries);
    }
    const key = keyed[dottedKey(at)];
    if (key !== undefined && Array.isArray(upper) && Array.isArray(lower)) {
      return mergeLists(at, key, upper, lower);
    }
    if (upper === undefined) from(at, under, below);
    else from(at, over, above);
    return upper ?? lower;
  };
  const mergeLists = (
    at: KeyPath,
    key: string,
    upper: readonly unknown[],
    lower: readonly unknown[],
  ): unknown[] => {
    const nameOf = (one: unknown) => (isTable(one) ? one[key] : undefined);
    const names = [...lower, ...upper].map(nameOf);
    const merged: unknown[] = [];
    const add = (aboveIndex: number, belowIndex: number) =>
      merged.push(
        merge([...at, merged.length], upper[aboveIndex], [...at, aboveIndex], lower[belowIndex], [
          ...at,
          belowIndex,
        ]),
      );
    for (const [index, one] of lower.entries()) {
      const name = nameOf(one);
      add(
        upper.findIndex((other) => name !== undefined && nameOf(other) === name),
        index,
      );
    }
    for (const [index, one] of upper.entries()) {
      const name = nameOf(one);
      if (name === undefined || !names.slice(0, lower.length).includes(name)) add(index, -1);
    }
    return merged;
  };

  const data = merge([], over.data, [], under.data, []);
  return {
    data,
    placeOf: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const origin = origins.get(JSON.stringify(path.slice(0, length)));
        // Below what one layer has as a whole: there, with the rest of the path.
        if (origin !== undefined) {
          return origin.layer.placeOf([...origin.there, ...path.slice(length)]);
        }
      }
      return over.placeOf(path);
    },
  };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
