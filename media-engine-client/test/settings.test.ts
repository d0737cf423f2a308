import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineEngineConfig } from '../src/config.ts';
import { Settings, settingsFile } from '../src/settings.ts';

describe('settings', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'offhook-settings-'));
    path = join(directory, 'state', 'settings.json');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const settings = async (output = 'default') => {
    const { audio } = defineEngineConfig({ audio: { output } });
    const loaded = new Settings(audio, settingsFile(path, silentLogger));
    await loaded.load();
    return loaded;
  };

  it('are those of the configuration until the person chooses', async () => {
    const fresh = await settings('pulse:headset');
    expect(fresh.device('output')).toBe('pulse:headset');
    expect(fresh.volume('output')).toBe(1);
  });

  it('outlast the engine, in a file of this user alone', async () => {
    const first = await settings();
    await Promise.all([first.setDevice('output', 'pulse:speaker'), first.setVolume('ringer', 0.3)]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const second = await settings();
    expect(second.device('output')).toBe('pulse:speaker');
    expect(second.volume('ringer')).toBe(0.3);
  });

  it('give way to the configuration when that names another device', async () => {
    await (await settings()).setDevice('output', 'pulse:speaker');
    expect((await settings('pulse:headset')).device('output')).toBe('pulse:headset');
    expect((await settings()).device('output')).toBe('pulse:speaker');
  });

  it('are the defaults where the file cannot be read', async () => {
    await (await settings()).setVolume('output', 2);
    for (const text of ['{', '{"volumes":{"output":9}}', '[]']) {
      await writeFile(path, text);
      expect((await settings()).volume('output')).toBe(1);
    }
    await (await settings()).setVolume('output', 2);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ volumes: { output: 2 } });
  });
});
