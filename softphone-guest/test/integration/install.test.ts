import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '@offhook/common/install';
import { afterAll, describe, expect, it } from 'vitest';
import { guestInstallation } from '../../src/install/files.ts';
import { loadAllowList } from '../../src/port-config.ts';

const root = mkdtempSync(join(tmpdir(), 'offhook-install-'));
const files = guestInstallation.files({ prefix: '/usr/local', program: ['/bin/true'] });
install(files, { root, name: 'guest' });
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What the tool says against it; empty when it finds nothing. */
function complaints(command: string, ...args: readonly string[]): string {
  const env = { ...process.env, XDG_RUNTIME_DIR: root };
  return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', env });
}

describe('what install writes in a guest', () => {
  it('are units that systemd accepts', () => {
    const unit = join(root, 'etc/systemd/system/offhook-port-helper.service');
    expect(complaints('systemd-analyze', 'verify', '--man=no', unit)).toBe('');
    const user = join(root, 'etc/systemd/user/offhook.service');
    expect(complaints('systemd-analyze', '--user', 'verify', '--man=no', user)).toBe('');
  });

  it('is a port helper that systemd rates as well shut in', () => {
    const unit = join(root, 'etc/systemd/system/offhook-port-helper.service');
    const args = ['--offline=yes', '--threshold=20', '--no-pager', 'security', unit];
    expect(complaints('systemd-analyze', ...args)).toContain('OK');
  });

  it('is a user and two groups that systemd-sysusers would make', () => {
    const path = join(root, 'etc/sysusers.d/offhook.conf');
    const made = spawnSync('systemd-sysusers', ['--dry-run', `--root=${root}`, path], {
      encoding: 'utf8',
    });
    expect(made.stderr).toMatch(/group 'offhook'[^]*group 'offhook-port'[^]*user 'offhook-port'/u);
  });

  it.each(['offhook', 'offhook-dial'])('has a desktop file by the rules: %s', (name) => {
    const path = join(root, `usr/local/share/applications/${name}.desktop`);
    expect(complaints('desktop-file-validate', path)).toBe('');
  });

  it('is a list that the port helper reads', () => {
    const path = join(root, 'etc/offhook/port-helper.toml');
    expect(loadAllowList(path)).toEqual({ users: [], groups: ['offhook'], executables: [] });
  });

  it('is a rule that starts the helper where the port is', () => {
    const rule = readFileSync(join(root, 'etc/udev/rules.d/60-offhook.rules'), 'utf8');
    expect(rule).toContain('ATTR{name}=="org.offhook.engine.0"');
    expect(rule).toContain('ENV{SYSTEMD_WANTS}+="offhook-port-helper.service"');
  });
});
