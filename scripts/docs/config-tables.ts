import { z } from 'zod';

/** What is used of a JSON Schema that zod writes. */
interface SchemaNode {
  type?: string | undefined;
  description?: string | undefined;
  default?: unknown;
  enum?: unknown[] | undefined;
  const?: unknown;
  minimum?: number | undefined;
  maximum?: number | undefined;
  properties?: Record<string, SchemaNode> | undefined;
  required?: string[] | undefined;
  items?: SchemaNode | undefined;
  anyOf?: SchemaNode[] | undefined;
  /** Of a discriminated union. */
  oneOf?: SchemaNode[] | undefined;
}

/** One table of a TOML file. Values and defaults have `code` in back-quotes, as the descriptions do. */
export interface ConfigTable {
  /** `[sip]`, `[[account]]`; undefined for the keys before the first table. */
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly rows: readonly ConfigRow[];
}

export interface ConfigRow {
  readonly key: string;
  readonly kind: string;
  /** Empty where there is none. */
  readonly standard: string;
  readonly description: string;
}

/** The tables of a configuration file, in the order of its schema. */
export function configTables(schema: z.ZodType): readonly ConfigTable[] {
  const node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  return tables('', undefined, node);
}

function tables(path: string, title: string | undefined, node: SchemaNode): ConfigTable[] {
  const keys = Object.entries(node.properties ?? {});
  const values = keys.filter(
    ([, child]) => (tableOf(child) === undefined && kindsOf(child).length === 0) || child.anyOf,
  );
  const rows = values.map(([key, child]) => row(key, child, node.required?.includes(key) ?? false));
  const children = keys.flatMap(([key, child]) => {
    const name = path === '' ? key : `${path}.${key}`;
    const kinds = kindsOf(child);
    if (kinds.length > 0) {
      return kinds.flatMap((one) =>
        tables(name, `[[${name}]] ${told(one)}`, { ...one, description: child.description }),
      );
    }
    const table = tableOf(child);
    if (table === undefined) return [];
    const described = { ...table, description: child.description };
    return tables(name, child.type === 'array' ? `[[${name}]]` : `[${name}]`, described);
  });
  return [
    { title, description: title === undefined ? undefined : node.description, rows },
    ...children,
  ];
}

/** The kinds of table that a discriminated union allows. */
function kindsOf(node: SchemaNode): readonly SchemaNode[] {
  return (node.items?.oneOf ?? []).filter((one) => one.properties !== undefined);
}

/** `kind = "asterisk"`: what tells one of these kinds from the others. */
function told(node: SchemaNode): string {
  const constant = Object.entries(node.properties ?? {}).find(([, one]) => one.const !== undefined);
  return constant === undefined ? '' : `${constant[0]} = ${JSON.stringify(constant[1].const)}`;
}

/** The object that a TOML table of this key holds, if it is one. */
function tableOf(node: SchemaNode): SchemaNode | undefined {
  if (node.properties !== undefined) return node;
  if (node.type === 'array' && node.items?.properties !== undefined) return node.items;
  return node.anyOf?.find((one) => one.properties !== undefined);
}

function row(key: string, node: SchemaNode, required: boolean): ConfigRow {
  const standard = node.default === undefined ? (required ? 'required' : '') : code(node.default);
  return { key, kind: kind(node), standard, description: node.description ?? '' };
}

function kind(node: SchemaNode): string {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(kind))].join(' or ');
  if (node.enum !== undefined) return node.enum.map(code).join(', ');
  if (node.const !== undefined) return code(node.const);
  if (node.properties !== undefined) return 'table';
  if (node.type === 'array')
    return `list of ${node.items === undefined ? 'values' : kind(node.items)}`;
  if (node.type === 'integer' || node.type === 'number') return range(node);
  return node.type ?? 'value';
}

function range({ type, minimum, maximum }: SchemaNode): string {
  const name = type === 'integer' ? 'whole number' : 'number';
  return minimum === undefined || maximum === undefined ? name : `${name}, ${minimum}–${maximum}`;
}

function code(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const pairs = Object.entries(value).map(([key, one]) => `${key} = ${JSON.stringify(one)}`);
    return `\`{ ${pairs.join(', ')} }\``;
  }
  return `\`${JSON.stringify(value)}\``;
}
