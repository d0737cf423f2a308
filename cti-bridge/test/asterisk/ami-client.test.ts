import { OffhookError } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AmiClient } from '../../src/asterisk/ami-client.ts';
import type { AmiPacket } from '../../src/asterisk/ami-packet.ts';
import { eventually } from '../eventually.ts';
import { block, FakeManager, ok } from './fake-manager.ts';

let manager: FakeManager;
let client: AmiClient | undefined;
const events: AmiPacket[] = [];
let closed: PromiseWithResolvers<OffhookError>;

beforeEach(() => {
  events.length = 0;
  closed = Promise.withResolvers();
});

afterEach(async () => {
  client?.close();
  await manager.close();
});

async function connect(answers: FakeManager['answers'] = {}, timeoutMs = 2000): Promise<AmiClient> {
  manager = await FakeManager.start(answers);
  client = await AmiClient.connect({
    host: '127.0.0.1',
    port: manager.port,
    username: 'offhook',
    secret: 'top',
    timeoutMs,
    onEvent: (event) => events.push(event),
    onClose: closed.resolve,
  });
  return client;
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof OffhookError ? error.code : error),
  );

describe('a manager connection', () => {
  it('logs in without sending the secret', async () => {
    await connect();
    const login = manager.received.find(({ Action }) => Action === 'Login');
    // md5 of the challenge 42 and the secret.
    expect(login).toMatchObject({ AuthType: 'MD5', Username: 'offhook' });
    expect(login?.['Key']).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(manager.received)).not.toContain('top"');
  });

  it('says that name or secret are wrong', async () => {
    const refuse = (packet: AmiPacket) =>
      block({
        Response: 'Error',
        ActionID: packet['ActionID'] ?? '',
        Message: 'Authentication failed',
      });
    await expect(connect({ Login: refuse })).rejects.toThrow('Authentication failed');
  });

  it('gathers a list, also when other events come in between', async () => {
    const ami = await connect({
      QueueStatus: (packet) => {
        const ActionID = packet['ActionID'] ?? '';
        return [
          ok(packet, { EventList: 'start' }),
          block({ Event: 'QueueParams', ActionID, Queue: 'a' }),
          block({ Event: 'Newchannel', Uniqueid: '1' }),
          block({ Event: 'QueueParams', ActionID, Queue: 'b' }),
          block({ Event: 'QueueStatusComplete', ActionID, EventList: 'Complete' }),
        ].join('');
      },
    });
    const rows = await ami.list('QueueStatus');
    expect(rows.map((row) => row['Queue'])).toEqual(['a', 'b']);
    expect(events.map((event) => event['Event'])).toEqual(['Newchannel']);
  });

  it('gives up on an action that is not answered, and takes the answer for nobody later', async () => {
    const ami = await connect({}, 50);
    expect(await code(ami.request('Silence'))).toBe('timeout');
    manager.say(block({ Response: 'Success', ActionID: '3' }));
    manager.say(block({ Response: 'Success', ActionID: 'nobody' }));
    manager.say(block({ Event: 'Still', Here: 'yes' }));
    await eventually(() => events.length).toBe(1);
  });

  it('ends when the peer sends a line of a megabyte', async () => {
    await connect();
    manager.say(Buffer.alloc(1024 * 1024, 'x'));
    expect((await closed.promise).code).toBe('bad-peer');
  });

  it('rejects what waits for an answer when the PBX goes', async () => {
    const ami = await connect();
    const waiting = code(ami.request('Silence'));
    await eventually(() => manager.received.at(-1)?.['Action']).toBe('Silence');
    await manager.close();
    expect(await waiting).toBe('pbx-gone');
    expect((await closed.promise).code).toBe('pbx-gone');
  });

  it('rejects everything after close, which may be called twice', async () => {
    const ami = await connect();
    const waiting = code(ami.request('Silence'));
    ami.close();
    ami.close();
    expect(await waiting).toBe('closed');
    expect(await code(ami.request('Ping'))).toBe('closed');
  });

  it('says that nobody listens', async () => {
    await connect();
    const { port } = manager;
    await manager.close();
    const again = AmiClient.connect({
      host: '127.0.0.1',
      port,
      username: 'u',
      secret: 's',
      timeoutMs: 2000,
      onEvent: () => undefined,
      onClose: () => undefined,
    });
    expect(await code(again)).toBe('pbx-unreachable');
  });
});
