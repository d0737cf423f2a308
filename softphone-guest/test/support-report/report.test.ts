import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { supportReport } from '../../src/cli/report-command.ts';
import { maskConfig } from '../../src/support/mask-config.ts';
import { FakeDaemon } from '../support/fake-daemon.ts';

describe('maskConfig', () => {
  it.each([
    ['password = "secret"', 'password = "***"'],
    ["  password='secret'", '  password="***"'],
    ['"password" = "secret"', '"password" = "***"'],
    ['password_command = "pass secret"', 'password_command = "***"'],
    ['account = [{ aor = "sip:a@b", password = "sec\\"ret" }]', 'password = "***" }]'],
    ['proxy = "sip:alice:secret@pbx"', 'proxy = "sip:alice:***@pbx"'],
    ['password = """\nsecret\nmore secret"""\nrest = 1', 'password = "***"\nrest = 1'],
  ])('%j', (text, masked) => {
    expect(maskConfig(text)).toContain(masked);
    expect(maskConfig(text)).not.toContain('secret');
  });

  it('leaves everything else as it is', () => {
    const text = '[[account]]\naor = "sip:alice@example.com"\npassword_file = "p"\n';
    expect(maskConfig(text)).toBe(text);
  });
});

describe('offhook report', () => {
  let fake: FakeDaemon;
  let dir: string;
  beforeEach(() => {
    fake = new FakeDaemon();
    dir = mkdtempSync(join(tmpdir(), 'offhook-report-test-'));
  });
  afterEach(async () => {
    await fake.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  async function report() {
    const config = join(dir, 'config.toml');
    writeFileSync(config, 'password = "secret"\n');
    const file = join(dir, 'report.tar.gz');
    let err = '';
    const output = { out: () => undefined, err: (text: string) => (err += text) };
    await supportReport({ paths: { ...fake.paths, config }, json: false, output }, file);
    const read = (name: string) =>
      execFileSync('tar', ['-xzOf', file, '--wildcards', `*/${name}`], { encoding: 'utf8' });
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.split('/')[1] ?? '')
      .filter(Boolean);
    return { file, err, read, names };
  }

  it('packs what helps, and nothing secret', async () => {
    await fake.start();
    fake.userAgent.trace?.({
      at: 1,
      direction: 'out',
      transport: 'udp',
      local: '192.0.2.1:5060',
      remote: '192.0.2.2:5060',
      message: 'REGISTER sip:x SIP/2.0\r\nCall-ID: one\r\nCSeq: 1 REGISTER\r\n\r\n',
    });
    const { names, read, file } = await report();
    expect(names.toSorted()).toEqual([
      'calls.json',
      'config.toml',
      'devices.json',
      'doctor.json',
      'history.json',
      'missing.txt',
      'sip.pcap',
      'sip.txt',
      'status.json',
      'system.txt',
    ]);
    expect(read('config.toml')).toBe('password = "***"\n');
    expect(read('sip.txt')).toContain('REGISTER (1)');
    expect(read('missing.txt')).toContain('daemon.log');
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('packs what there is without a daemon, and says so', async () => {
    mkdirSync(fake.paths.statistics, { recursive: true });
    writeFileSync(join(fake.paths.statistics, '20261201T150400000Z-abc.json'), '{"version":1}');
    const { names, err, read } = await report();
    expect(names).toContain('config.toml');
    expect(read('stats/20261201T150400000Z-abc.json')).toBe('{"version":1}');
    expect(err).toContain('what the daemon knows: control: no daemon');
  });

  it('names the file that cannot be written', async () => {
    const output = { out: () => undefined, err: () => undefined };
    const file = join(dir, 'no', 'such.tar.gz');
    await expect(supportReport({ paths: fake.paths, json: false, output }, file)).rejects.toThrow(
      file,
    );
  });
});
