import { z } from 'zod';
import { services, serviceResult } from '../../model/services.ts';
import { call, device } from '../../model/things.ts';
import { VERSION } from '../../version.ts';
import { logEntry, snapshot, systemStatus } from '../wire.ts';
import { problem } from './errors.ts';

/** The OpenAPI 3.1 description of the REST interface, made from the schemas that check it. */
export function openApi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'offhook-cti',
      version: VERSION,
      description: 'Devices and calls of PBXs, in the words of CSTA (ECMA-269)',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths: { ...READING, ...servicePaths() },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Device: json(device),
        Call: json(call),
        Snapshot: json(snapshot),
        LogEntry: json(logEntry),
        SystemStatus: json(systemStatus),
        ServiceResult: json(serviceResult),
        Problem: json(problem),
      },
    },
  };
}

const READING = {
  '/v1/status': { get: reading('Whether the PBXs are there', ref('SystemStatus')) },
  '/v1/devices': { get: reading('The devices of the token', listOf('devices', 'Device')) },
  '/v1/devices/{device}': {
    get: {
      ...reading('A device and the calls that it is in', {
        type: 'object',
        required: ['device', 'calls'],
        properties: { device: ref('Device'), calls: { type: 'array', items: ref('Call') } },
      }),
      parameters: [path('device')],
    },
  },
  '/v1/calls': { get: reading('The calls of these devices', listOf('calls', 'Call')) },
  '/v1/calls/{call}': { get: { ...reading('A call', ref('Call')), parameters: [path('call')] } },
  '/v1/snapshot': { get: reading('Everything, with the last number', ref('Snapshot')) },
  '/v1/events': {
    get: {
      summary: 'Server-sent events; `Last-Event-ID` goes on where a stream broke',
      parameters: [
        { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
      ],
      responses: {
        '200': {
          description: 'First `snapshot`, unless it goes on; then `event` after `event`',
          content: { 'text/event-stream': { schema: ref('LogEntry') } },
        },
        default: refusal(),
      },
    },
  },
};

function servicePaths(): object {
  return Object.fromEntries(
    Object.entries(services).map(([name, { title, params }]) => [
      `/v1/services/${name}`,
      {
        post: {
          operationId: name,
          summary: title,
          requestBody: {
            required: true,
            content: { 'application/json': { schema: json(params) } },
          },
          responses: {
            '200': {
              description: 'The PBX has done it',
              content: { 'application/json': { schema: ref('ServiceResult') } },
            },
            default: refusal(),
          },
        },
      },
    ]),
  );
}

function reading(summary: string, schema: object) {
  const content = { 'application/json': { schema } };
  return {
    summary,
    responses: { '200': { description: summary, content }, default: refusal() },
  };
}

function refusal() {
  return {
    description: 'It was refused, or failed',
    content: { 'application/problem+json': { schema: ref('Problem') } },
  };
}

function listOf(name: string, item: string) {
  return {
    type: 'object',
    required: [name],
    properties: { [name]: { type: 'array', items: ref(item) } },
  };
}

function path(name: string) {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

function json(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' });
  return rest;
}
