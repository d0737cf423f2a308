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
}

/** The tables of a configuration file as Markdown: one section a table, one row a key. */
export function configReference(schema: z.ZodType): string {
  const node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  return tables('', node).join('\n');
}

function tables(path: string, node: SchemaNode): string[] {
  const keys = Object.entries(node.properties ?? {});
  const values = keys.filter(([, child]) => tableOf(child) === undefined || child.anyOf);
  const children = keys.flatMap(([key, child]) => {
    const table = tableOf(child);
    return table === undefined ? [] : [{ key, child, table }];
  });
  const rows = values.map(([key, child]) => row(key, child, node.required?.includes(key) ?? false));
  const table = rows.length === 0 ? [] : [...HEAD, ...rows, ''];
  const sections = children.flatMap(({ key, child, table: inner }) => {
    const name = path === '' ? key : `${path}.${key}`;
    const title = child.type === 'array' ? `[[${name}]]` : `[${name}]`;
    const text = child.description === undefined ? [] : [`${child.description}.`, ''];
    return [`### \`${title}\``, '', ...text, ...tables(name, inner)];
  });
  return [...table, ...sections];
}

const HEAD = ['| key | value | default | what |', '|---|---|---|---|'];

/** The object that a TOML table of this key holds, if it is one. */
function tableOf(node: SchemaNode): SchemaNode | undefined {
  if (node.properties !== undefined) return node;
  if (node.type === 'array' && node.items?.properties !== undefined) return node.items;
  return node.anyOf?.find((one) => one.properties !== undefined);
}

function row(key: string, node: SchemaNode, required: boolean): string {
  const standard = node.default === undefined ? (required ? 'required' : '') : code(node.default);
  const cells = [`\`${key}\``, kind(node), standard, node.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
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
