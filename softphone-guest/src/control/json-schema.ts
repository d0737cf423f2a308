import { subscribeParams, wireError } from '@offhook/common/control-protocol';
import { z } from 'zod';
import { hookEvents, hookParams } from '../hooks/hook-events.ts';
import { callStatistics } from '../statistics/schema.ts';
import { controlEvents, controlMethods } from './api.ts';
import { accountInfo, callInfo, checkInfo, devicesInfo, engineInfo, mediaInfo } from './schemas.ts';

/** What several methods give back: told once, under this name. */
export const controlTypes = z.registry<{ id: string; description?: string | undefined }>();
controlTypes
  .add(callInfo, { id: 'Call' })
  .add(mediaInfo, { id: 'Media' })
  .add(accountInfo, { id: 'Account' })
  .add(engineInfo, { id: 'Engine' })
  .add(devicesInfo, { id: 'Devices' })
  .add(checkInfo, { id: 'Check' })
  .add(callStatistics, { id: 'Statistics' });

type Json = Record<string, unknown>;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const ref = (name: string): Json => ({ $ref: `#/$defs/${name}` });

/**
 * The control socket as one JSON Schema (draft 2020-12). It validates any message: a request, a response, a
 * notification, and what a hook is given. `$defs` has each on its own: `METHOD.params`, `METHOD.result`,
 * `EVENT.event`, and the types that they share.
 */
export function controlApiSchema(): Json {
  const defs: Json = {};
  const define = (name: string, schema: z.ZodType, io: 'input' | 'output') => {
    const { $schema: _, $defs = {}, ...node } = toJson(schema, io);
    Object.assign(defs, $defs, { [name]: node });
    return ref(name);
  };
  const methods = Object.entries(controlMethods).map(([name, { summary, params, result }]) => {
    define(`${name}.result`, result, 'output');
    return request(name, summary, define(`${name}.params`, params, 'input'));
  });
  const subscribe = define('subscribe.params', subscribeParams, 'input');
  const events = Object.entries(controlEvents).map(([name, { summary, params }]) =>
    notification(name, summary, define(`${name}.event`, params, 'output')),
  );
  const hooks = hookEvents.map((event) =>
    object({
      event: { const: event },
      params: define(`${event}.hook`, hookParams(event), 'output'),
    }),
  );
  const error = define('Error', wireError, 'output');
  return {
    $schema: DIALECT,
    title: 'Control socket of Offhook',
    description: 'JSON-RPC 2.0, one object a line; hooks get theirs on standard input',
    anyOf: ['Request', 'Response', 'Notification', 'HookInput'].map(ref),
    $defs: {
      Request: {
        oneOf: [...methods, request('subscribe', 'Turns events on: all, or these', subscribe)],
      },
      Response: {
        description: 'What `result` is depends on the method: see METHOD.result',
        oneOf: [
          object({ jsonrpc, id: requestId, result: {} }),
          object({ jsonrpc, id: orNull, error }),
        ],
      },
      Notification: { oneOf: events },
      HookInput: { oneOf: hooks },
      ...defs,
    },
  };
}

const jsonrpc = { const: '2.0' };
const requestId = { type: ['string', 'number'] };
const orNull = { type: ['string', 'number', 'null'] };

function request(name: string, description: string, params: Json): Json {
  const node = object({ jsonrpc, id: requestId, method: { const: name }, params });
  return { ...node, description };
}

function notification(name: string, description: string, params: Json): Json {
  return { ...object({ jsonrpc, method: { const: name }, params }), description };
}

/** All of it must be there, and nothing else. */
function object(properties: Json): Json {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

function toJson(schema: z.ZodType, io: 'input' | 'output'): Json {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    metadata: controlTypes,
    // The registry of types stands in for the one that descriptions are kept in.
    override: ({ zodSchema, jsonSchema }) => {
      const description = z.globalRegistry.get(zodSchema)?.description;
      if (description !== undefined) jsonSchema.description ??= description;
      // As the daemon takes them.
      if (io === 'input' && jsonSchema.type === 'object') jsonSchema.additionalProperties ??= false;
    },
  });
}
