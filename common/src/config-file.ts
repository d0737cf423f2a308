import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { mergeLayers, type ConfigLayer, type ConfigPlace } from './config-layers.ts';
import { nearest, unknownKeys } from './config-schema.ts';
import { OffhookError } from './errors.ts';
import { dottedKey, TomlLines, type KeyPath } from './toml-lines.ts';

/** One thing that is wrong in a configuration file. */
export interface ConfigProblem {
  /** The file. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** `account[0].aor`; empty for the whole file. */
  readonly key: string;
  readonly message: string;
}

export interface LoadConfigOptions<S extends z.ZodType> {
  path: string;
  schema: S;
  /** A file that is not there counts as an empty one. False by default. */
  optional?: boolean;
}

/**
 * Reads and validates a TOML configuration file. Keys that the schema does not know are refused.
 *
 * @throws OffhookError with layer `config` and code `not-found`, `unreadable`, `syntax` or
 * `invalid`; the message names file, line and key of every problem, and `details.problems` has
 * them as `ConfigProblem[]`. Values are never repeated: they may be secrets.
 */
export function loadConfig<S extends z.ZodType>(options: LoadConfigOptions<S>): z.output<S> {
  return parseConfig(readConfigText(options.path, options.optional ?? false), options);
}

/** The same for text that is already there; `path` is only named in messages. */
export function parseConfig<S extends z.ZodType>(
  text: string,
  options: { path: string; schema: S },
): z.output<S> {
  return parseLayers([{ text, path: options.path }], options.schema).config;
}

export interface ConfigText {
  /** Named in messages. */
  readonly path: string;
  /** TOML, or a JSON object. */
  readonly text: string;
}

export interface PlacedConfig<T> {
  readonly config: T;
  /** Where a key stands, or would: `file:line`. */
  readonly placeOf: (key: KeyPath) => string;
}

/**
 * The same for one or two texts, of which the first wins: see `mergeLayers`.
 *
 * @throws OffhookError as `loadConfig`.
 */
export function parseLayers<S extends z.ZodType>(
  [over, under]: readonly [ConfigText, ConfigText?],
  schema: S,
  keyed: Readonly<Record<string, string>> = {},
): PlacedConfig<z.output<S>> {
  const upper = layerOf(over);
  const { data, placeOf } = under === undefined ? upper : mergeLayers(upper, layerOf(under), keyed);
  const problems: ConfigProblem[] = [];
  const add = (where: KeyPath, message: string) =>
    problems.push({ ...placeOf(where), key: dottedKey(where), message });

  for (const { path: where, known } of unknownKeys(schema, data)) {
    const meant = nearest(String(where.at(-1)), known);
    add(where, meant === undefined ? 'unknown key' : `unknown key; did you mean "${meant}"?`);
  }
  const result = schema.safeParse(data);
  if (!result.success) {
    for (const issue of result.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        // Most are above, with a hint; not those of a record that takes only some.
        for (const key of issue.keys) {
          const where = [...keyPath(issue.path), key];
          if (!problems.some((one) => one.key === dottedKey(where))) add(where, 'unknown key');
        }
        continue;
      }
      for (const one of flatten(issue)) add(one.path, one.message);
    }
  }
  if (problems.length > 0 || !result.success) throw invalid(problems);
  return { config: result.data, placeOf: (key) => shown(placeOf(key)) };
}

function layerOf({ text, path }: ConfigText): ConfigLayer {
  if (/^\s*\{/.test(text))
    return { data: parseJson(text, path), placeOf: () => ({ path, line: 1 }) };
  const data = parseToml(text, path);
  const lines = new TomlLines(text);
  return { data, placeOf: (key) => ({ path, line: lines.lineOf(key) }) };
}

function shown({ path, line }: ConfigPlace): string {
  return `${path}:${line}`;
}

interface FlatIssue {
  readonly path: KeyPath;
  readonly message: string;
}

/** A failed union says what the alternative wanted that came furthest, not just "invalid input". */
function flatten(issue: z.core.$ZodIssue, base: KeyPath = []): FlatIssue[] {
  const path = [...base, ...keyPath(issue.path)];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) {
    return [{ path, message: describe(issue) }];
  }
  const deepest = issue.errors
    .map((issues) => ({ issues, depth: Math.max(...issues.map((one) => one.path.length)) }))
    .toSorted((a, b) => b.depth - a.depth)[0];
  if (deepest === undefined || deepest.depth === 0) {
    const wanted = issue.errors.flatMap((issues) => issues.map((one) => describe(one)));
    return [{ path, message: [...new Set(wanted)].join(', or ') }];
  }
  return deepest.issues.flatMap((one) => flatten(one, path));
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `required (${issue.expected})`;
  }
  return lowerFirst(issue.message.replace(/^Invalid input: /, ''));
}

function keyPath(path: readonly PropertyKey[]): KeyPath {
  return path.map((part) => (typeof part === 'symbol' ? String(part) : part));
}

/** @throws OffhookError `not-found` (unless `optional`) or `unreadable`. */
export function readConfigText(path: string, optional: boolean): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') {
      if (optional) return '';
      throw new OffhookError('config', 'not-found', `${path}: no such file`, {
        cause: error,
        remedy: 'create it, or name another with --config',
      });
    }
    throw new OffhookError('config', 'unreadable', `${path}: cannot be read (${code})`, {
      cause: error,
    });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const line = at === undefined ? 1 : text.slice(0, Number(at)).split('\n').length;
    const problem: ConfigProblem = { path, line, key: '', message: 'not valid JSON' };
    throw new OffhookError('config', 'syntax', `${path}:${line}: not valid JSON`, {
      details: { problems: [problem] },
    });
  }
}

function parseToml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The library's message goes on with an excerpt of the file, which may hold a secret.
    const what = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    const problem: ConfigProblem = {
      path,
      line: error.line,
      key: keyOnLine(text, error.line),
      message: what,
    };
    const key = problem.key === '' ? '' : `${problem.key}: `;
    throw new OffhookError(
      'config',
      'syntax',
      `${path}:${error.line}:${error.column}: ${key}not valid TOML: ${what}`,
      { details: { problems: [problem] } },
    );
  }
}

/** The dotted key that a line of not quite valid TOML begins with, under its table if that shows. */
function keyOnLine(text: string, line: number): string {
  const lines = text.split('\n').slice(0, line);
  const key = /^\s*([A-Za-z0-9_."'-]+)\s*=/.exec(lines.at(-1) ?? '')?.[1];
  if (key === undefined) return '';
  const tables = lines.flatMap((one) => /^\s*\[{1,2}([^[\]]+)\]{1,2}/.exec(one)?.[1]?.trim() ?? []);
  const table = tables.at(-1);
  return table === undefined ? key : `${table}.${key}`;
}

function invalid(problems: readonly ConfigProblem[]): OffhookError {
  const sorted = problems.toSorted((a, b) => a.path.localeCompare(b.path) || a.line - b.line);
  const texts = sorted.map(
    ({ key, message, ...place }) => `${shown(place)}: ${key === '' ? '' : `${key}: `}${message}`,
  );
  return new OffhookError('config', 'invalid', texts.join('\n'), {
    details: { problems: sorted },
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
