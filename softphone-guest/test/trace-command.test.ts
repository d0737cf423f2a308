import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { trace, type TraceOptions } from '../src/cli/trace-command.ts';
import { connectDaemon, type DaemonClient } from '../src/control/client.ts';
import { FakeDaemon } from './support/fake-daemon.ts';

let fake: FakeDaemon;
let client: DaemonClient;

beforeEach(async () => {
  fake = new FakeDaemon();
  await fake.start();
  client = await connectDaemon(fake.paths);
});

afterEach(async () => {
  await client.close();
  await fake.remove();
});

async function call(): Promise<{ id: string; callId: string; end: () => void }> {
  const { id } = await client.call('call.dial', { target: 'bob' });
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no call was placed');
  return {
    id,
    callId: sip.callId,
    end: () => sip.endWith({ by: 'remote', status: 200, reason: '' }),
  };
}

function wire(start: string, callId: string, direction: 'in' | 'out' = 'out', at = 0): void {
  fake.userAgent.trace?.({
    at,
    direction,
    transport: 'udp',
    local: '192.0.2.1:5060',
    remote: '192.0.2.2:5060',
    message: `${start}\r\nCSeq: 1 INVITE\r\nCall-ID: ${callId}\r\n\r\n`,
  });
}

async function run(id: string | undefined, options: TraceOptions = {}, json = false) {
  let [out, err] = ['', ''];
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  await trace({ paths: fake.paths, json, output }, id, options);
  return { out, err };
}

describe('offhook trace', () => {
  it('draws the messages of the call that is up, and no others', async () => {
    const { callId } = await call();
    wire('INVITE sip:bob@example.com SIP/2.0', callId);
    wire('SIP/2.0 180 Ringing', callId, 'in', 20);
    wire('OPTIONS sip:x SIP/2.0', 'other');
    const lines = (await run(undefined)).out.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringContaining('INVITE (1)'),
      expect.stringContaining('+0.020'),
    ]);
  });

  it('shows a call that is over', async () => {
    const { id, callId, end } = await call();
    wire('INVITE sip:bob@example.com SIP/2.0', callId);
    end();
    await vi.waitFor(async () =>
      expect(await client.call('calls.list', {})).toEqual({ calls: [] }),
    );
    expect((await run(undefined)).out).toContain('INVITE');
    expect((await run(id)).out).toContain('INVITE');
  });

  it('shows what belongs to no call with --all', async () => {
    wire('REGISTER sip:example.com SIP/2.0', 'registration');
    expect((await run(undefined, { all: true })).out).toContain('REGISTER');
  });

  it('follows a call to its end', async () => {
    const { callId, end } = await call();
    wire('INVITE sip:bob@example.com SIP/2.0', callId);
    let seen = '';
    const output = { out: (text: string) => (seen += text), err: () => undefined };
    const done = trace({ paths: fake.paths, json: false, output }, undefined, { follow: true });
    await vi.waitFor(() => expect(seen).toContain('INVITE'));
    wire('SIP/2.0 200 OK', callId, 'in');
    await vi.waitFor(() => expect(seen).toContain('200 OK'));
    end();
    wire('BYE sip:alice@192.0.2.1 SIP/2.0', callId, 'in');
    await done;
    expect(seen).toContain('BYE');
  });

  it('prints whole messages with --full, and objects with --json', async () => {
    const { callId } = await call();
    wire('INVITE sip:bob@example.com SIP/2.0', callId);
    expect((await run(undefined, { full: true })).out).toContain(`Call-ID: ${callId}`);
    expect(JSON.parse((await run(undefined, {}, true)).out)).toMatchObject({ direction: 'out' });
  });

  it('writes a capture that only its user may read', async () => {
    const { callId } = await call();
    wire('INVITE sip:bob@example.com SIP/2.0', callId);
    const file = join(fake.dir, 'call.pcap');
    expect((await run(undefined, { pcap: file })).out).toContain('1 messages');
    expect(readFileSync(file).readUInt32LE(0)).toBe(0xa1b2c3d4);
  });

  it('names the file that it cannot write', async () => {
    await call();
    const file = join(fake.dir, 'no', 'such', 'folder.pcap');
    await expect(run(undefined, { pcap: file })).rejects.toMatchObject({
      layer: 'system',
      message: expect.stringContaining(file),
    });
  });

  it('says that there is nothing, and that there is no such call', async () => {
    expect((await run(undefined, { all: true })).err).toContain('no SIP messages');
    await expect(run('zzz')).rejects.toMatchObject({ code: 'unknown-call' });
    await expect(run(undefined)).rejects.toMatchObject({ code: 'unknown-call' });
  });

  it('takes a call or --all, not both, and no --pcap that follows', async () => {
    await expect(run('a', { all: true })).rejects.toMatchObject({ code: 'invalid-params' });
    await expect(run(undefined, { pcap: 'x', follow: true })).rejects.toMatchObject({
      code: 'invalid-params',
    });
  });
});
