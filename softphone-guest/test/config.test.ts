import { isOffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { guestConfigSchema, loadGuestConfig, parseGuestConfig } from '../src/config.ts';
import { z } from 'zod';

const MINIMAL = `
[[account]]
aor = "sip:alice@example.com"
[engine]
channel = "unix:/run/engine.sock"
`;

function errorOf(text: string): string {
  try {
    parseGuestConfig(text, 'c.toml');
  } catch (error) {
    if (isOffhookError(error)) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the guest configuration', () => {
  it('needs an account, and has defaults for the rest', () => {
    const config = parseGuestConfig(MINIMAL);
    expect(config.account[0]).toMatchObject({
      register: true,
      expires: 300,
      auto_answer: undefined,
      srtp: 'off',
      dtmf: 'rfc4733',
    });
    expect(config.sip.listen).toEqual([
      { transport: 'udp', address: '0.0.0.0', port: 5060 },
      { transport: 'tcp', address: '0.0.0.0', port: 5060 },
    ]);
    expect(config.calls).toEqual({
      one_active: true,
      waiting: true,
      max: 1000,
      history: 200,
      statistics: 200,
    });
  });

  it('looks for an engine of this machine unless told otherwise', () => {
    const { engine } = parseGuestConfig('[[account]]\naor = "sip:alice@example.com"\n');
    expect(engine.channel).toMatch(/^unix:\/.*\/offhook-engine\/engine\.sock$/);
  });

  it('takes everything that it documents', () => {
    const config = parseGuestConfig(
      `
[sip]
listen = ["udp:127.0.0.1:5080", "tcp:[::1]:5080", "tls:0.0.0.0:5061"]
outbound_proxy = "sip:proxy.example.com;lr"
user_agent = "Phone/1"
[sip.tls]
ca = "ca.pem"
cert = "cert.pem"
key = "/keys/key.pem"
verify = false
[[account]]
aor = "sip:alice@example.com"
display_name = "Alice"
registrar = ["sip:a.example.com", "sip:b.example.com;transport=tcp"]
register = false
username = "alice"
password_file = "secret"
realm = "example"
expires = 60
auto_answer = "2s"
codecs = ["PCMA", "opus"]
srtp = "required"
dtmf = "info"
rel100 = "required"
session_timer = { expires = 600, min_se = 120, refresher = "uas" }
redirects = "refuse"
[engine]
channel = "tls:engine.example.com:7443"
tls = { ca = "engine-ca.pem" }
lease = 30
[dial]
domain = "pbx.example.com"
account = "sip:alice@example.com"
[calls]
one_active = false
max = 10
history = 5
country = "de"
[log]
level = "debug"
sip_trace = true
`,
      '/etc/offhook/config.toml',
    );
    expect(config.sip.listen.map((one) => `${one.transport} ${one.address} ${one.port}`)).toEqual([
      'udp 127.0.0.1 5080',
      'tcp ::1 5080',
      'tls 0.0.0.0 5061',
    ]);
    expect(config.sip.tls).toMatchObject({ ca: '/etc/offhook/ca.pem', key: '/keys/key.pem' });
    expect(config.engine.tls?.ca).toBe('/etc/offhook/engine-ca.pem');
    expect(config.account[0]).toMatchObject({
      registrar: ['sip:a.example.com', 'sip:b.example.com;transport=tcp'],
      password_file: '/etc/offhook/secret',
      auto_answer: 2000,
    });
  });

  it('answers at once for auto_answer = true', () => {
    const config = parseGuestConfig(MINIMAL.replace('[engine]', 'auto_answer = true\n[engine]'));
    expect(config.account[0]?.auto_answer).toBe(0);
  });

  it.each([
    ['no account', '[engine]\nchannel = "unix:/e"\n', /account/],
    ['an AOR that is none', MINIMAL.replace('sip:alice', 'alice'), /c\.toml:3: account\[0\]\.aor/],
    ['line breaks in an AOR', MINIMAL.replace('alice@', 'alice\\r\\nX: y@'), /account\[0\]\.aor/],
    ['an unknown codec', MINIMAL.replace('[engine]', 'codecs = ["G723"]\n[engine]'), /codecs\[0\]/],
    [
      'two passwords',
      MINIMAL.replace('[engine]', 'password = "a"\npassword_command = "b"\n[engine]'),
      /only one of password/,
    ],
    [
      'a listen address without port',
      `[sip]\nlisten = ["udp:127.0.0.1"]\n${MINIMAL}`,
      /sip\.listen\[0\]/,
    ],
    ['IPv6 without brackets', `[sip]\nlisten = ["udp:::1:5060"]\n${MINIMAL}`, /sip\.listen\[0\]/],
    [
      'TLS without a certificate',
      `[sip]\nlisten = ["tls:0.0.0.0:5061"]\n${MINIMAL}`,
      /cert and key/,
    ],
    [
      'an engine address of another kind',
      MINIMAL.replace('unix:/run', 'http://x'),
      /engine\.channel/,
    ],
    [
      'an account twice',
      `${MINIMAL}[[account]]\naor = "sip:alice@example.com"\n`,
      /another account/,
    ],
    [
      'an unknown key',
      MINIMAL.replace('[engine]', 'regster = true\n[engine]'),
      /did you mean "register"/,
    ],
    [
      'a dialling account that is not there',
      `${MINIMAL}[dial]\naccount = "sip:x@y"\n`,
      /dial\.account/,
    ],
  ])('refuses %s with the place', (_name, text, expected) => {
    expect(errorOf(text)).toMatch(expected);
  });

  it('never repeats a password in an error', () => {
    const text = MINIMAL.replace('[engine]', 'password = "hunter2"\nexpires = "soon"\n[engine]');
    expect(errorOf(text)).not.toContain('hunter2');
  });

  it('says what to write when there is no file', () => {
    let error: unknown;
    try {
      loadGuestConfig('/nowhere/config.toml');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      layer: 'config',
      code: 'not-found',
      message: '/nowhere/config.toml: no such file',
      remedy: expect.stringContaining('[[account]]') as string,
    });
  });

  it('describes every key', () => {
    const json = z.toJSONSchema(guestConfigSchema, { io: 'input', unrepresentable: 'any' });
    const missing: string[] = [];
    const visit = (node: unknown, path: string) => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(
        (node as { properties?: Record<string, object> }).properties ?? {},
      )) {
        const here = `${path}.${key}`;
        if (!('description' in value)) missing.push(here);
        visit(value, here);
      }
      for (const one of (node as { anyOf?: unknown[] }).anyOf ?? []) visit(one, path);
      visit((node as { items?: unknown }).items, `${path}[]`);
    };
    visit(json, '');
    expect(missing).toEqual([]);
  });
});
