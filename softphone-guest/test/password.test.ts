import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordOf } from '../src/password.ts';

const aor = 'sip:alice@example.com';
const none = { aor, password: undefined, password_command: undefined, password_file: undefined };
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-password-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function fromCommand(command: string, deadlineMs?: number): Promise<string> {
  const get = passwordOf({ ...none, password_command: command }, deadlineMs);
  if (get === undefined) throw new Error('no password source');
  return get();
}

describe('an account’s password', () => {
  it('comes from the configuration, a file, or a command', async () => {
    const file = join(dir, 'secret');
    writeFileSync(file, 'from file\nsecond line\n');
    expect(await passwordOf({ ...none, password: 'plain' })?.()).toBe('plain');
    expect(await passwordOf({ ...none, password_file: file })?.()).toBe('from file');
    expect(await fromCommand('printf "from command\\nmore"')).toBe('from command');
    expect(passwordOf(none)).toBeUndefined();
  });

  it('runs the command once for challenges at the same time, and again for later ones', async () => {
    const count = join(dir, 'count');
    const get = passwordOf({ ...none, password_command: `echo x >> ${count}; wc -l < ${count}` });
    expect(await Promise.all([get?.(), get?.()])).toEqual(['1', '1']);
    expect(await get?.()).toBe('2');
  });

  it.each([
    ['ends with an error', 'echo secret; exit 3', 'ended with status 3'],
    ['prints too much', 'yes secret | head -c 100000', 'printed more than 4096 bytes'],
    ['prints nothing', 'true', 'gave an empty password'],
  ])('fails without showing anything when the command %s', async (_name, command, words) => {
    const error = await fromCommand(command).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(String(error)).toContain(words);
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('does not wait for ever', async () => {
    await expect(fromCommand('sleep 60', 50)).rejects.toMatchObject({
      layer: 'config',
      code: 'password',
      message: `${aor}: password_command took longer than 0.05 s`,
    });
  });

  it('says which file cannot be read', async () => {
    const get = passwordOf({ ...none, password_file: join(dir, 'missing') });
    await expect(get?.()).rejects.toMatchObject({
      message: expect.stringContaining('(ENOENT)') as string,
    });
  });
});
