import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ManagedProcess } from '@offhook/test-sipp';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asteriskRig, type AsteriskRig } from '../src/asterisk-rig.ts';
import { AMI_SECRET } from '../src/asterisk.ts';
import { FakeManager } from '../src/fake-manager.ts';
import { shipped } from '../../../common/test/shipped.ts';

const MAIN = shipped('offhook-cti');
const SCREENSHOTS = join(import.meta.dirname, '../build');
const TOKEN = 'a-token-of-the-page';
/** A caller who would like to be more than a name. */
const EVIL = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const WITHIN = { timeout: 10_000 };

let rig: AsteriskRig;
let manager: FakeManager;
let directory: string;
let bridge: ManagedProcess;
let url: string;
let browser: BrowserContext;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  rig = await asteriskRig({ remoteControl: true });
  manager = await FakeManager.start(2, '<b>lab</b>', EVIL);
  directory = await mkdtemp(join(tmpdir(), 'offhook-page-'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const secret = join(directory, 'secret');
  const config = join(directory, 'config.toml');
  await writeFile(secret, AMI_SECRET, { mode: 0o600 });
  const pbx = (name: string, at: number, more = '') => `[[pbx]]
kind = "asterisk"
name = "${name}"
port = ${at}
username = "offhook"
secret_file = "${secret}"
${more}
`;
  await writeFile(
    config,
    `[listen]
port = ${port}
${pbx('office', rig.asterisk.amiPort, 'context = "phones"\nremote_control = ["*"]')}
${pbx('lab', manager.port)}
[[token]]
name = "support"
sha256 = "${createHash('sha256').update(TOKEN).digest('hex')}"
devices = ["*"]
scopes = ["monitor", "control"]
`,
  );
  bridge = new ManagedProcess({
    name: 'offhook-cti',
    command: process.execPath,
    args: [MAIN, 'run', '--config', config],
  });
  await bridge.ready(/^ready$/m, { within: 40_000 });
  browser = await chromium.launchPersistentContext(join(directory, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1000, height: 640 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  page = await browser.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
});

afterAll(async () => {
  await browser.close();
  await bridge.stop();
  await manager.close();
  await rig.close();
  await rm(directory, { recursive: true, force: true });
});

/** The text of the rows of a table that have these words in them. */
async function rows(table: 'calls' | 'devices', text: string): Promise<string[]> {
  const found = page.locator(`#${table} tbody tr`).filter({ hasText: text });
  return found.allInnerTexts();
}

describe('the page, in a browser', () => {
  it('says that a token is not good', async () => {
    await page.goto(url);
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('nobody has this token').waitFor(WITHIN);
    expect(await page.locator('main').isVisible()).toBe(false);
  });

  it('shows devices and calls once it has one', async () => {
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('connected as support').waitFor(WITHIN);
    await expect
      .poll(() => rows('devices', 'alice'), WITHIN)
      .toEqual([expect.stringContaining('in service')]);
    expect(await page.getByRole('table').count()).toBe(2);
  });

  it('makes a call, shows it as it goes, and ends it', async () => {
    await page.getByLabel('Device', { exact: true }).selectOption('alice');
    await page.getByLabel('calls', { exact: true }).fill('bob');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    const ringing = await rig.phones.bob.leg('ringing');
    await expect
      .poll(() => rows('calls', 'bob'), WITHIN)
      .toContainEqual(expect.stringMatching(/alerting/));
    rig.phones.bob.answer(ringing);
    await page.locator('#result', { hasText: 'done' }).waitFor(WITHIN);
    await expect
      .poll(async () => (await rows('calls', 'office:')).join('\n'), WITHIN)
      .toMatch(/connected[^]*connected/);
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, 'page.png') });
    const row = page.locator('#calls tbody tr', { hasText: 'office:' }).first();
    await row.getByRole('button', { name: 'Hang up' }).click();
    await rig.phones.alice.idle();
    await expect.poll(() => rows('calls', 'office:'), WITHIN).toEqual([]);
  });

  it('says why a call was not made', async () => {
    await page.getByLabel('Device', { exact: true }).selectOption('alice');
    await page.getByLabel('calls', { exact: true }).fill('no;body');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    expect(await page.locator('#to:invalid').count()).toBe(1);
    expect(await rows('calls', 'office:')).toEqual([]);
  });

  it('shows what callers call themselves as text, whatever they call themselves', async () => {
    const lab = await rows('calls', 'lab:');
    expect(lab).toHaveLength(2);
    expect(lab[0]).toContain(EVIL.slice(0, 30));
    expect(await rows('devices', '<b>lab</b>-0')).toHaveLength(1);
    expect(await page.locator('table img, table script, table b').count()).toBe(0);
    expect(await page.title()).toBe('offhook-cti');
  });

  it('runs no script but its own', async () => {
    const blocked = page.evaluate(`new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) =>
        resolve(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'document.title = "owned"';
      document.body.append(script);
    })`);
    expect(await blocked).toBe('script-src-elem');
    expect(await page.title()).toBe('offhook-cti');
    // The one that was just provoked.
    expect(problems.filter((text) => !text.includes('Content Security Policy'))).toEqual([]);
  });

  it('has a name for whatever can be filled in or pressed', async () => {
    const nameless = await page.evaluate(`
      [...document.querySelectorAll('input, select, button')]
        .filter((one) => one.labels.length === 0 && one.textContent.trim() === '')
        .map((one) => one.outerHTML)`);
    expect(nameless).toEqual([]);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await page.locator('th:not([scope])').count()).toBe(0);
    await page.locator('#token').focus();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Connect');
  });
});
