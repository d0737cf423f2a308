import { describe, expect, it } from 'vitest';

import { guestConfigSchema } from '../../softphone-guest/src/config.ts';
import { configTables } from '../docs/config-tables.ts';
import { ctiPages, enginePages, guestPages } from '../package/man-pages.ts';
import { packages } from '../package/packages.ts';
import { ManPage, roff } from '../package/roff.ts';

const release = { version: '1.2.3', date: '2026-11-21' };
const plain = (page: string | undefined) => (page ?? '').replaceAll(String.raw`\-`, '-');

describe('manual pages', () => {
  it('has one for each program and each configuration file', () => {
    expect(Object.keys(guestPages(release))).toEqual(['offhook.1', 'offhook.toml.5']);
    expect(Object.keys(enginePages(release))).toEqual([
      'offhook-engine.1',
      'offhook-engine.toml.5',
    ]);
    expect(Object.keys(ctiPages(release))).toEqual(['offhook-cti.1', 'offhook-cti.toml.5']);
  });

  it('names every command, option and exit code of the program', () => {
    const page = plain(guestPages(release)['offhook.1']);
    for (const part of [
      '.TH OFFHOOK 1 "2026-11-21" "Offhook 1.2.3"',
      '.SS "dial <target>"',
      '\\fB--wait [seconds]\\fR',
      '.SS "port-helper [name]"',
      '5 deadline passed.',
      'offhook hangup --all',
    ]) {
      expect(page).toContain(part);
    }
    expect(plain(enginePages(release)['offhook-engine.1'])).toContain('.SS "devices select <role>');
  });

  it('names every table and key of the configuration', () => {
    const page = plain(guestPages(release)['offhook.toml.5']);
    for (const { title = 'DESCRIPTION', rows } of configTables(guestConfigSchema)) {
      expect(page).toContain(`.SH ${title}`);
      for (const { key } of rows) expect(page).toContain(`\\fB${key}\\fR`);
    }
  });

  it('names no folder of whoever makes it', () => {
    const pages = { ...guestPages(release), ...enginePages(release) };
    // As a path of its own: a checkout at /offhook is not in /run/offhook.
    const paths = plain(Object.values(pages).join('')).match(/\/[\w./-]+/g) ?? [];
    expect(paths.filter((path) => path.startsWith(`${process.cwd()}/`))).toEqual([]);
    expect(plain(pages['offhook.toml.5'])).toContain('/run/user/UID');
  });
});

describe('text for roff', () => {
  it('has nothing in it that roff would act on', () => {
    expect(roff('.so file')).toBe(String.raw`\&.so file`);
    expect(roff("'quoted")).toBe(String.raw`\&'quoted`);
    expect(roff(String.raw`a\b --c`)).toBe(String.raw`a\eb \-\-c`);
  });

  it('shows words in back-quotes in bold', () => {
    const page = new ManPage({ name: 'x', section: 1, title: 'an x', ...release });
    expect(page.text('say `y`').toString()).toContain(String.raw`say \fBy\fR`);
  });
});

describe('packages', () => {
  it('share one Node, and need exactly the version they were made with', () => {
    const all = packages(['gstreamer1.0-plugins-good']);
    expect(all.map(({ name }) => name)).toEqual([
      'offhook-runtime',
      'offhook-guest',
      'offhook-engine',
      'offhook-cti',
    ]);
    for (const one of all.slice(1)) expect(one.depends).toContain('offhook-runtime (= ${version})');
    expect(all[2]?.depends).toContain('gstreamer1.0-plugins-good');
  });
});
