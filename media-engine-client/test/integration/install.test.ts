import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '@offhook/common/install';
import { afterAll, describe, expect, it } from 'vitest';
import { clientInstallation } from '../../src/install/files.ts';

const root = mkdtempSync(join(tmpdir(), 'offhook-install-'));
const files = clientInstallation.files({ prefix: '/usr/local', program: ['/bin/true'] });
install(files, { root, name: 'client' });
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('what install writes at a thin client', () => {
  it('is a unit that systemd accepts', () => {
    const unit = join(root, 'etc/systemd/user/offhook-engine.service');
    const env = { ...process.env, XDG_RUNTIME_DIR: root };
    const args = ['--user', 'verify', '--man=no', unit];
    const output = execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe', env });
    expect(output).toBe('');
  });

  it('is a desktop file that opens .vv files', () => {
    const path = join(root, 'usr/local/share/applications/offhook-engine-view.desktop');
    expect(execFileSync('desktop-file-validate', [path], { encoding: 'utf8' })).toBe('');
    expect(files.find((file) => file.path.endsWith('.desktop'))?.content).toContain(
      'MimeType=application/x-virt-viewer;',
    );
  });
});
