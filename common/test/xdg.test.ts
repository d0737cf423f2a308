import { describe, expect, it } from 'vitest';
import { xdgConfigFile, xdgRuntimeDir, xdgStateDir } from '../src/index.ts';

describe('XDG directories', () => {
  const home = { HOME: '/home/alice' };

  it('follow the variables', () => {
    expect(xdgStateDir('offhook', { ...home, XDG_STATE_HOME: '/s' })).toBe('/s/offhook');
    expect(xdgConfigFile('offhook', { ...home, XDG_CONFIG_HOME: '/c' })).toBe(
      '/c/offhook/config.toml',
    );
    expect(xdgRuntimeDir('offhook', { ...home, XDG_RUNTIME_DIR: '/run/user/1' })).toBe(
      '/run/user/1/offhook',
    );
  });

  it('fall back to the home directory', () => {
    expect(xdgStateDir('offhook', home)).toBe('/home/alice/.local/state/offhook');
    expect(xdgConfigFile('offhook', home)).toBe('/home/alice/.config/offhook/config.toml');
    expect(xdgRuntimeDir('offhook', home)).toBe('/home/alice/.local/state/offhook');
  });

  it('ignore relative paths in the variables', () => {
    expect(xdgStateDir('offhook', { ...home, XDG_STATE_HOME: 'state' })).toBe(
      '/home/alice/.local/state/offhook',
    );
  });
});
