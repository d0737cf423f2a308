import { z } from 'zod';

import { controlEvents, controlMethods } from '../../softphone-guest/src/control/api.ts';
import {
  controlApiSchema,
  controlTypes as types,
} from '../../softphone-guest/src/control/json-schema.ts';
import {
  accountInfo,
  callInfo,
  checkInfo,
  devicesInfo,
  engineInfo,
  mediaInfo,
} from '../../softphone-guest/src/control/schemas.ts';
import { callStatistics } from '../../softphone-guest/src/statistics/schema.ts';

const INTRODUCTION = `# The control socket of the phone

\`offhook daemon\` serves JSON-RPC 2.0 on the Unix socket \`<state-dir>/control.sock\` (mode 0600, its
folder 0700): one JSON object a line, requests and notifications both ways. The command line and the
user interface are clients of it, and so can any script be:

\`\`\`sh
printf '%s\\n' '{"jsonrpc":"2.0","id":1,"method":"calls.list","params":{}}' |
  socat - UNIX-CONNECT:$HOME/.local/state/offhook/control.sock
\`\`\`

Events come as notifications once a client has called \`subscribe\` with
\`{"events": ["call.changed", …]}\`, or with \`{}\` for all of them. An error's \`data\` holds the layer
that failed, a code for scripts, and what to do about it. Unknown parameters are refused.

The same as JSON Schema (draft 2020-12): [control-api.schema.json](control-api.schema.json), or \`offhook api\`.
It validates any message, and the input of hooks; under \`$defs\` are \`METHOD.params\`, \`METHOD.result\`,
\`EVENT.event\` and \`HOOK.hook\`.

This page is made from the method table; run \`npm run docs\` after changing it.
`;

/** docs/control-api.schema.json as it should be. */
export function controlApiSchemaPage(): string {
  return `${JSON.stringify(controlApiSchema(), null, 2)}\n`;
}

/** docs/control-api.md as it should be. */
export function controlApiPage(): string {
  const methods = Object.entries(controlMethods).map(([name, { summary, params, result }]) =>
    [
      `### \`${name}\`\n`,
      `${summary}.\n`,
      ...block('Parameters', params),
      ...block('Result', result),
    ].join('\n'),
  );
  const events = Object.entries(controlEvents).map(([name, { summary, params }]) =>
    [`### \`${name}\`\n`, `${summary}.\n`, ...block('Parameters', params)].join('\n'),
  );
  const all = [callInfo, mediaInfo, accountInfo, engineInfo, devicesInfo, checkInfo];
  const shared = [...all, callStatistics].map((schema) =>
    [`### ${types.get(schema)?.id}\n`, ...fields(toNode(schema), ''), ''].join('\n'),
  );
  const chapters = [['## Methods\n'], methods, ['## Events\n'], events, ['## Types\n'], shared];
  return [INTRODUCTION, chapters.flat().join('\n')].join('\n');
}

interface SchemaNode {
  type?: string | string[];
  $ref?: string;
  $defs?: Record<string, SchemaNode>;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  additionalProperties?: SchemaNode | boolean;
}

function toNode(schema: z.ZodType): SchemaNode {
  const options = { io: 'input', unrepresentable: 'any' } as const;
  const descriptions = z.toJSONSchema(schema, options) as SchemaNode;
  const node = z.toJSONSchema(schema, { ...options, metadata: types }) as SchemaNode;
  const id = node.$ref?.split('/').at(-1);
  return withDescriptions(id === undefined ? node : (node.$defs?.[id] ?? node), descriptions);
}

/** The registry of types stands in for the one that descriptions are kept in. */
function withDescriptions(node: SchemaNode, source: SchemaNode | undefined): SchemaNode {
  const properties = Object.entries(node.properties ?? {}).map(([key, child]) => [
    key,
    withDescriptions(child, source?.properties?.[key]),
  ]);
  return {
    ...node,
    ...(source?.description === undefined ? {} : { description: source.description }),
    ...(node.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
    ...(node.items === undefined ? {} : { items: withDescriptions(node.items, source?.items) }),
  };
}

function block(title: string, schema: z.ZodType): string[] {
  const type = types.get(schema);
  if (type !== undefined) return [`${title}: [${type.id}](#${type.id.toLowerCase()})\n`];
  const rows = fields(toNode(schema), '');
  if (rows.length === 0) return [`${title}: none.\n`];
  return [`${title}:\n`, ...rows, ''];
}

/** One list item for each field, nested ones with their path. */
function fields(node: SchemaNode, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = `${path}${key}`;
    const optional = node.required?.includes(key) === true ? '' : ', may be left out';
    const text = child.description === undefined ? '' : `: ${child.description}`;
    const inner = child.type === 'array' ? child.items : child;
    const suffix = child.type === 'array' ? '[].' : '.';
    const own = `- \`${name}\` (${kind(child)}${optional})${text}`;
    return [own, ...(inner === undefined ? [] : fields(inner, `${name}${suffix}`))];
  });
}

function kind(node: SchemaNode): string {
  const ref = node.$ref?.split('/').at(-1);
  if (ref !== undefined) return `[${ref}](#${ref.toLowerCase()})`;
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(kind))].join(' or ');
  if (node.enum !== undefined) return node.enum.map(code).join(', ');
  if (node.const !== undefined) return code(node.const);
  if (node.type === 'array') return `list of ${kind(node.items ?? {})}`;
  return [node.type ?? 'value'].flat().join(' or ');
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
