import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { connectMedia, type MediaConnection } from '@offhook/media-rpc';
import { connectChannel } from '@offhook/virtual-channel';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodeOf, printError } from '@offhook/common/cli';
import { buildProgram } from '../src/cli/program.ts';
import { defineEngineConfig } from '../src/config.ts';
import { startDaemon, type Daemon } from '../src/daemon.ts';
import { peerSdp } from './sdp/support.ts';
import { origin } from './support/engine.ts';
import { MemoryPlane } from './support/memory-plane.ts';

let directory: string;
let plane: MemoryPlane;
let daemon: Daemon;
let guest: MediaConnection;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-cli-'));
  plane = new MemoryPlane();
  daemon = await startDaemon({
    config: defineEngineConfig({
      engine: { listen: [`unix:${join(directory, 'e.sock')}`, 'tcp:127.0.0.1:0'] },
      rtp: { address: '192.0.2.10' },
    }),
    stateDir: directory,
    logger: silentLogger,
    createPlane: () => Promise.resolve(plane),
  });
  const channel = await connectChannel(daemon.listen[0] ?? '');
  guest = await connectMedia(channel, { instanceId: 'guest-1', leaseMs: 5000 });
});

afterEach(async () => {
  await guest.close();
  await daemon.close({ keepCalls: false });
  await rm(directory, { recursive: true, force: true });
});

/** The command line in this process: what it printed, and the exit code it would end with. */
async function cli(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  const program = buildProgram({ output });
  try {
    await program.parseAsync([...words, '--state-dir', directory], { from: 'user' });
    return { code: 0, out, err };
  } catch (error) {
    if (error instanceof CommanderError) return { code: error.exitCode === 0 ? 0 : 2, out, err };
    printError(output, 'offhook-engine', error, program.opts()['json'] === true);
    return { code: exitCodeOf(error), out, err };
  }
}

async function call(id: string, label = ''): Promise<void> {
  await guest.call('session.open', {
    id,
    revision: 1,
    options: { label },
    step: { type: 'answer', offer: peerSdp(), direction: 'sendrecv', origin },
  });
}

describe('offhook-engine status', () => {
  it('says who is there, what is used, and whether anybody is listening', async () => {
    const { out } = await cli('status');
    expect(out).toContain('worker      up');
    expect(out).toContain('guests      1 connected');
    expect(out).toContain('microphone  idle');
    await call('one');
    expect((await cli('status')).out).toContain('microphone  LIVE');
    await cli('mute');
    expect((await cli('status')).out).toContain('microphone  muted');
  });

  it('is one JSON object with --json', async () => {
    const status = JSON.parse((await cli('status', '--json')).out);
    expect(status).toMatchObject({
      pid: process.pid,
      listen: daemon.listen,
      worker: { state: 'up' },
      microphone: 'idle',
      guests: [{ instance: 'guest-1', connected: true, leaseMs: 5000 }],
      devices: { input: 'default' },
    });
  });
});

describe('offhook-engine calls', () => {
  it('lists calls with what they are like', async () => {
    expect((await cli('calls')).out).toBe('no calls\n');
    await call('call-1', 'sip:bob@example.com\u001b[2J');
    const { out } = await cli('calls');
    expect(out).toContain('call-1');
    expect(out).toContain('active (microphone live)');
    expect(out).not.toContain('\u001b');
    const { calls } = JSON.parse((await cli('calls', '--json')).out);
    expect(calls).toMatchObject([
      {
        id: 'call-1',
        state: 'active',
        held: false,
        media: { codec: 'PCMU', txPackets: 0, rxPackets: 0, lossPct: 0, jitterMs: 0 },
      },
    ]);
  });
});

describe('offhook-engine hangup, mute and take', () => {
  it('mean the only call, or the one that is named, in full or by its beginning', async () => {
    await call('alpha');
    await call('beta');
    expect(await cli('hangup')).toMatchObject({ code: 2, err: expect.stringContaining('--all') });
    expect(await cli('hangup', 'gamma')).toMatchObject({ code: 4 });
    expect(await cli('hangup', 'al')).toEqual({ code: 0, out: 'alpha hung up\n', err: '' });
    expect(await cli('hangup', '--json')).toMatchObject({ out: '{"calls":["beta"]}\n' });
    expect(await cli('hangup')).toMatchObject({ code: 4 });
    expect(plane.worker.legs.size).toBe(0);
  });

  it('mute every call unless one is named', async () => {
    await call('alpha');
    await call('beta');
    await cli('mute');
    const muted = () => [...plane.worker.legs.values()].map((leg) => leg.muted);
    expect(muted()).toEqual([true, true]);
    await cli('unmute', 'beta');
    expect(muted()).toEqual([true, false]);
    await cli('unmute');
    // Alpha is in the background, behind the call that was taken last.
    expect(muted()).toEqual([true, false]);
    await cli('take', 'alpha');
    expect(muted()).toEqual([false, true]);
  });
});

describe('offhook-engine devices and volume', () => {
  it('lists devices and selects among them', async () => {
    expect((await cli('devices')).out).toMatch(/pulse:headset +Headset +input, output, ringer/u);
    expect(await cli('devices', 'select', 'output', 'pulse:headset')).toMatchObject({ code: 0 });
    expect((await cli('devices', 'list')).out).toMatch(/\* +pulse:headset .*output\*/u);
    expect(await cli('devices', 'select', 'output', 'pulse:none')).toMatchObject({ code: 4 });
    expect(await cli('devices', 'select', 'door', 'x')).toMatchObject({ code: 2 });
  });

  it('sets the volume', async () => {
    expect(await cli('volume', 'output', '0.5')).toMatchObject({ code: 0 });
    expect(plane.worker.volumes.get('output')).toBe(0.5);
    expect((await cli('status')).out).toContain('default, volume 0.5');
    expect(await cli('volume', 'output', 'loud')).toMatchObject({ code: 2 });
    expect(await cli('volume', 'output', '5')).toMatchObject({ code: 2 });
  });
});

describe('the command line', () => {
  it('helps, with examples and exit codes', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    expect(out).toContain('offhook-engine run');
    expect(out).toContain('Exit codes');
    expect((await cli('devices', 'select', '--help')).out).toContain('Example');
  });

  it('refuses what it does not know', async () => {
    expect(await cli('dance')).toMatchObject({ code: 2 });
    expect(await cli('status', '--loud')).toMatchObject({ code: 2 });
  });

  it('says so when no engine runs', async () => {
    await daemon.close({ keepCalls: false });
    const { code, err, out } = await cli('calls', '--json');
    expect(code).toBe(3);
    expect(err).toContain('no engine runs');
    expect(JSON.parse(out)).toMatchObject({
      error: { layer: 'control', code: 'not-reachable', remedy: expect.any(String) },
    });
  });

  it('names file, line and key of a wrong configuration', async () => {
    const config = join(directory, 'wrong.toml');
    await writeFile(config, '[rtp]\nports = 4\n');
    const { code, err } = await cli('run', '--config', config);
    expect(code).toBe(2);
    expect(err).toContain('wrong.toml:2: rtp.ports');
  });
});

describe('the daemon', () => {
  it('has its state directory to itself', async () => {
    const second = startDaemon({
      config: defineEngineConfig({ engine: { listen: 'tcp:127.0.0.1:0' } }),
      stateDir: directory,
      logger: silentLogger,
      createPlane: () => Promise.reject(new Error('must not be asked for')),
    });
    await expect(second).rejects.toMatchObject({ layer: 'control', code: 'in-use' });
  });

  it('leaves nothing behind when it cannot listen, except calls that a worker has kept', async () => {
    const other = join(directory, 'other');
    const failing = (worker: MemoryPlane) =>
      startDaemon({
        config: defineEngineConfig({ engine: { listen: daemon.listen[1] ?? '' } }),
        stateDir: other,
        logger: silentLogger,
        createPlane: () => Promise.resolve(worker),
      });
    const fresh = new MemoryPlane();
    await expect(failing(fresh)).rejects.toMatchObject({ layer: 'channel', code: 'in-use' });
    expect(fresh.closed).toEqual({ stopWorker: true });
    expect(existsSync(join(other, 'control.sock'))).toBe(false);
    await call('kept');
    await expect.poll(() => plane.worker.legs.size).toBe(1);
    const kept = new MemoryPlane(plane.worker);
    await expect(failing(kept)).rejects.toMatchObject({ layer: 'channel', code: 'in-use' });
    expect(kept.closed).toEqual({ stopWorker: false });
  });

  it('lets a guest on this machine send to this machine, by whichever channel it comes', async () => {
    const channel = await connectChannel(daemon.listen[1] ?? '');
    const local = await connectMedia(channel, { instanceId: 'guest-2', leaseMs: 0 });
    await local.call('lease.set', { ms: 1000 });
    expect(daemon.engine.guests.all).toMatchObject([
      { instance: 'guest-1', local: true },
      { instance: 'guest-2', local: true, leaseMs: 1000 },
    ]);
    await local.close();
  });

  it('takes guests by TLS, with a certificate where one is asked for', async () => {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const self = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const files = ['-nodes', '-keyout', key, '-out', cert, '-days', '2'];
    execFileSync('openssl', [...self, ...files, ...subject], { stdio: 'ignore' });
    const secure = await startDaemon({
      config: defineEngineConfig({
        engine: { listen: 'tls:127.0.0.1:0', tls: { cert, key, ca: cert } },
      }),
      stateDir: join(directory, 'secure'),
      logger: silentLogger,
      createPlane: () => Promise.resolve(new MemoryPlane()),
    });
    const pem = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    const tls = { ca: pem.cert, ...pem };
    const known = await connectMedia(await connectChannel(secure.listen[0] ?? '', { tls }), {
      instanceId: 'known',
      leaseMs: 0,
    });
    expect(known.closed).toBe(false);
    await known.close();
    const stranger = connectChannel(secure.listen[0] ?? '', { tls: { ca: pem.cert } }).then(
      (channel) => connectMedia(channel, { instanceId: 'stranger', leaseMs: 0 }),
    );
    await expect(stranger).rejects.toMatchObject({ layer: 'channel' });
    await secure.close({ keepCalls: false });
  });

  it('says which certificate it cannot read', async () => {
    const missing = join(directory, 'missing.pem');
    const failing = startDaemon({
      config: defineEngineConfig({ engine: { tls: { cert: missing, key: missing } } }),
      stateDir: join(directory, 'secure'),
      logger: silentLogger,
      createPlane: () => Promise.resolve(new MemoryPlane()),
    });
    await expect(failing).rejects.toMatchObject({
      layer: 'config',
      message: expect.stringContaining('engine.tls.cert'),
    });
  });
});
