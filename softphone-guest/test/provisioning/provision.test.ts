import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ManualClock, silentLogger } from '@offhook/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { setupFrom } from '../../src/cli/provision-command.ts';
import { loadGuestConfig } from '../../src/config.ts';
import { guestPaths } from '../../src/paths.ts';
import { cachePath } from '../../src/provisioning/cache.ts';
import { provision } from '../../src/provisioning/provision.ts';
import { provisionedConfig, watchProvisioning } from '../../src/provisioning/watch.ts';

/** A real server on loopback, with a certificate of its own. */
let dir: string;
let server: Server;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];
let config: string;

const GIVEN = `
[dial]
country = "DE"
[[account]]
aor = "sip:alice@example.com"
password = "from the server"
expires = 600
`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-provisioning-'));
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  execFileSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  );
  server = createServer(
    { cert: readFileSync(cert), key: readFileSync(key) },
    (request, response) => {
      asked.push(request);
      answer(request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(() => {
  asked = [];
  config = join(mkdtempSync(join(dir, 'home-')), 'config.toml');
  local('');
  gives(GIVEN);
});

function local(more: string, provisioning = `ca = "${join(dir, 'cert.pem')}"`): void {
  const url = `https://127.0.0.1:${port}/phones/alice.toml?token=secret`;
  writeFileSync(config, `[provisioning]\nurl = "${url}"\n${provisioning}\n${more}`);
}

function gives(text: string, headers: Readonly<Record<string, string>> = {}): void {
  answer = (_request, response) => response.writeHead(200, headers).end(text);
}

describe('a configuration from a server', () => {
  it('is checked, kept for its owner alone, and read with the local file over it', async () => {
    local('[[account]]\naor = "sip:alice@example.com"\nexpires = 60\n[calls]\nmax = 3');
    expect(await provision(config)).toBe(true);
    expect(statSync(cachePath(config)).mode & 0o077).toBe(0);
    const { account, dial, calls } = loadGuestConfig(config);
    expect(account).toMatchObject([
      { aor: 'sip:alice@example.com', password: 'from the server', expires: 60 },
    ]);
    expect([dial.country, calls.max]).toEqual(['DE', 3]);
  });

  it('may be JSON', async () => {
    gives('{"account": [{"aor": "sip:bob@example.com"}]}');
    await provision(config);
    expect(loadGuestConfig(config).account[0]?.aor).toBe('sip:bob@example.com');
  });

  it('is asked for only when it has changed (If-None-Match)', async () => {
    answer = (request, response) =>
      request.headers['if-none-match'] === '"1"'
        ? response.writeHead(304).end()
        : response.writeHead(200, { etag: '"1"' }).end(GIVEN);
    expect([await provision(config), await provision(config)]).toEqual([true, false]);
    expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"']);
  });

  it('may be elsewhere, as long as that is HTTPS', async () => {
    answer = (request, response) =>
      request.url === '/moved'
        ? response.writeHead(200).end(GIVEN)
        : response.writeHead(302, { location: '/moved' }).end();
    expect(await provision(config)).toBe(true);
    answer = (_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
    await expect(provision(config)).rejects.toMatchObject({ code: 'insecure' });
    answer = (_request, response) => response.writeHead(302, { location: '/again' }).end();
    await expect(provision(config)).rejects.toThrow('more than 5 redirections');
  });

  it.each([
    [
      'of a wrong key',
      '[[account]]\naor = "sip:a@b"\nexpirez = 3',
      /\/phones\/alice\.toml:3: account\[0\]\.expirez: unknown key/,
    ],
    ['that is no TOML', 'account = [', /\/phones\/alice\.toml:1/],
    ['with commands', '[[hook]]\nevent = "message"\ncommand = ["rm"]', /may not name commands/],
    [
      'with a password command',
      '[[account]]\naor = "sip:a@b"\npassword_command = "x"',
      /alice\.toml:3: account\.0\.password_command/,
    ],
    ['that would provision others', '[provisioning]\nrefresh = 60', /belongs into the local file/],
    ['that is too large', `# ${'x'.repeat(300_000)}`, /more than 262144 bytes/],
  ])('is refused and the last good one kept: one %s', async (_what, text, message) => {
    await provision(config);
    gives(text);
    await expect(provision(config)).rejects.toThrow(message);
    await expect(provision(config)).rejects.not.toThrow('secret');
    expect(loadGuestConfig(config).account[0]?.expires).toBe(600);
  });

  it('may name commands where the local file says so', async () => {
    local('', `ca = "${join(dir, 'cert.pem')}"\ncommands = true`);
    gives(`${GIVEN}[[hook]]\nevent = "message"\ncommand = ["true"]`);
    await provision(config);
    expect(loadGuestConfig(config).hook).toHaveLength(1);
  });

  it('is not taken from a server whose certificate nobody vouches for', async () => {
    local('', '');
    await expect(provision(config)).rejects.toMatchObject({ code: 'not-reachable' });
    expect(asked).toEqual([]);
  });

  it('says what the server says', async () => {
    answer = (_request, response) => response.writeHead(404).end();
    await expect(provision(config)).rejects.toThrow(/\/phones\/alice\.toml answers HTTP 404/);
  });

  it('is set up by its address alone', async () => {
    const said: string[] = [];
    const output = { out: (text: string) => void said.push(text), err: () => undefined };
    const paths = guestPaths({ config: join(dirname(config), 'fresh', 'config.toml') });
    const url = `https://127.0.0.1:${port}/alice?token=secret`;
    await setupFrom({ paths, json: false, output }, url, { ca: join(dir, 'cert.pem') });
    expect(loadGuestConfig(paths.config).account[0]?.aor).toBe('sip:alice@example.com');
    expect(statSync(paths.config).mode & 0o077).toBe(0);
    expect(said.join('')).toContain('/alice: sip:alice@example.com');
    expect(said.join('')).not.toContain('secret');
    const again = setupFrom({ paths, json: false, output }, url, {});
    await expect(again).rejects.toMatchObject({ code: 'exists' });
    const plain = setupFrom({ paths, json: false, output }, 'http://127.0.0.1/', { force: true });
    await expect(plain).rejects.toMatchObject({ code: 'insecure' });
  });

  it('says what went wrong where nothing has ever come, and else does without', async () => {
    answer = (_request, response) => response.writeHead(500).end();
    await expect(provisionedConfig(config)).rejects.toThrow('answers HTTP 500');
    gives(GIVEN);
    await provisionedConfig(config);
    answer = (_request, response) => response.writeHead(500).end();
    expect((await provisionedConfig(config)).dial.country).toBe('DE');
  });

  it('that is new is put to use when no call is up', async () => {
    await provision(config);
    const clock = new ManualClock();
    let calls = 1;
    const restarted = Promise.withResolvers<void>();
    const watch = watchProvisioning(config, loadGuestConfig(config).provisioning, {
      logger: silentLogger,
      clock,
      idle: () => calls === 0,
      restart: () => Promise.resolve(restarted.resolve()),
    });
    gives(GIVEN.replace('600', '700'));
    await clock.advance(3_600_000);
    await vi.waitFor(() => expect(loadGuestConfig(config).account[0]?.expires).toBe(700));
    calls = 0;
    // The answer is there; what follows goes by the clock alone.
    let over = false;
    void restarted.promise.then(() => (over = true));
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(over).toBe(true);
    });
    await watch.close();
  });
});
