import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { controlEvents, controlMethods, type ControlMethodName } from '../../src/control/api.ts';
import { controlApiSchema } from '../../src/control/json-schema.ts';
import { hookEvents } from '../../src/hooks/hook-events.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';
import { guestConfig } from '../support/fake-phone.ts';

const schema = controlApiSchema();
const ajv = new Ajv2020({ allErrors: true, validateFormats: false, strictTypes: false });

beforeAll(() => {
  ajv.addSchema(schema, 'control');
});

/** Why it is not valid; none: it is. `name` is of `$defs`; any message without one. */
function complaints(value: unknown, name?: string): string[] {
  const validate = ajv.getSchema(name === undefined ? 'control' : `control#/$defs/${name}`);
  if (validate === undefined) return [`no definition ${name}`];
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** A client that takes nothing for granted: lines of JSON, as they are on the socket. */
class RawClient {
  readonly requests: Message[] = [];
  readonly received: Message[] = [];
  readonly #socket: Socket;

  constructor(path: string) {
    this.#socket = connect(path);
    createInterface(this.#socket).on('line', (line) =>
      this.received.push(JSON.parse(line) as Message),
    );
  }

  async ask(method: ControlMethodName | 'subscribe', params: object = {}): Promise<Message> {
    const id = this.requests.length + 1;
    const request = { jsonrpc: '2.0', id, method, params };
    this.requests.push(request);
    this.#socket.write(`${JSON.stringify(request)}\n`);
    return vi.waitFor(() => {
      const answer = this.received.find((one) => one.id === id);
      if (answer === undefined) throw new Error(`no answer to ${method}`);
      return answer;
    });
  }

  async close(): Promise<void> {
    this.#socket.end();
    await once(this.#socket, 'close');
  }
}

describe('the schema of the control socket', () => {
  it('has each method, event and hook, and the draft’s own validator takes it', () => {
    expect(ajv.validateSchema(schema)).toBe(true);
    const names = [
      ...Object.keys(controlMethods).flatMap((name) => [`${name}.params`, `${name}.result`]),
      ...Object.keys(controlEvents).map((name) => `${name}.event`),
      ...hookEvents.map((name) => `${name}.hook`),
    ];
    const missing = names.filter((name) => ajv.getSchema(`control#/$defs/${name}`) === undefined);
    expect(missing).toEqual([]);
  });

  it.each([
    ['a method that is none', { jsonrpc: '2.0', id: 1, method: 'call.dail', params: {} }],
    ['a parameter that is missing', { jsonrpc: '2.0', id: 1, method: 'call.dial', params: {} }],
    [
      'a parameter that is none',
      { jsonrpc: '2.0', id: 1, method: 'call.dial', params: { target: 'bob', acount: 'x' } },
    ],
    ['a wrong type', { jsonrpc: '2.0', id: 1, method: 'history.list', params: { limit: '5' } }],
    ['an event with less', { jsonrpc: '2.0', method: 'dtmf', params: { call: 'a' } }],
    ['a hook that is none', { event: 'call.begun', params: {} }],
  ])('refuses %s', (_, message) => {
    expect(complaints(message)).not.toEqual([]);
  });
});

describe('what a daemon says', () => {
  let fake: FakeDaemon;
  let client: RawClient;

  beforeEach(async () => {
    const hooks = ['call.answered', 'call.ended'].map(
      (event) =>
        `[[hook]]\nevent = "${event}"\ncommand = ["sh", "-c", 'text=$(cat); echo "$text" >> "$OUT"']`,
    );
    fake = new FakeDaemon(guestConfig('', hooks.join('\n')));
    vi.stubEnv('OUT', join(fake.dir, 'hooked'));
    await fake.start();
    client = new RawClient(fake.paths.control);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await client.close();
    await fake.remove();
  });

  const hooked = () =>
    readFileSync(join(fake.dir, 'hooked'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; params: unknown });

  it('is valid in every request, response, notification and hook of some calls', async () => {
    await client.ask('subscribe');
    const quiet = [
      'status',
      'journal.get',
      'calls.list',
      'mode.get',
      'settings.get',
      'lamps.list',
      'voicemail.list',
      'messages.list',
      'contacts.list',
      'accounts.list',
      'engines.list',
      'devices.list',
      'doctor.run',
    ] as const;
    await client.ask('call.preview', { target: '030123456' });
    const { result } = await client.ask('call.dial', { target: 'bob' });
    const { id: call } = result as { id: string };
    await fake.account.placed.at(-1)?.establish();
    await client.ask('call.hold', { call });
    await client.ask('call.resume', { call });
    await client.ask('call.mute', { all: true });
    await client.ask('stats.get', { call });
    await vi.waitFor(() => {
      expect(client.received.map(({ method }) => method)).toContain('stats');
    }, 3000);
    for (const method of quiet) await client.ask(method);
    await client.ask('settings.doNotDisturb', { on: true });
    await client.ask('call.hangup', { call });
    await vi.waitFor(() => expect(hooked()).toHaveLength(2), 3000);
    await client.ask('stats.get');
    await client.ask('history.list');
    await client.ask('trace.get', { all: true });
    const { result: none } = await client.ask('call.get', { call: 'nobody' });
    expect(none).toBeUndefined();

    const all = [...client.requests, ...client.received, ...hooked()];
    const wrong = (message: unknown, name?: string) => {
      const found = complaints(message, name);
      return found.length === 0 ? [] : [{ message, found }];
    };
    expect(all.flatMap((message) => wrong(message))).toEqual([]);
    const results = client.requests.flatMap(({ id, method }) => {
      const result = client.received.find((one) => one.id === id)?.result;
      return result === undefined || method === 'subscribe' ? [] : [{ method, result }];
    });
    expect(results.length).toBeGreaterThan(20);
    expect(results.flatMap(({ method, result }) => wrong(result, `${method}.result`))).toEqual([]);
    const said = new Set(client.received.flatMap(({ method }) => method ?? []));
    for (const event of ['call.changed', 'call.ended', 'settings.changed', 'stats']) {
      expect(said).toContain(event);
    }
  });

  it('refuses parameters that it does not know, as the schema does', async () => {
    expect(await client.ask('history.list', { limt: 5 })).toMatchObject({
      error: { data: { code: 'invalid-params' } },
    });
  });
});
