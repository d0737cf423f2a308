import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig, OffhookError, parseConfig, type ConfigProblem } from '../src/index.ts';

const schema = z.object({
  sip: z.object({ listen: z.array(z.string()).min(1) }).prefault({ listen: ['udp:0.0.0.0:5060'] }),
  account: z
    .array(
      z.object({
        aor: z.string().regex(/^sips?:/, 'must be a SIP URI'),
        password: z.string().optional(),
        register: z.boolean().default(true),
        auto_answer: z.union([z.boolean(), z.string().regex(/^\d+s$/)]).default(false),
        proxy: z.object({ host: z.string(), port: z.int() }).optional(),
      }),
    )
    .default([]),
  labels: z.record(z.string(), z.object({ text: z.string() })).default({}),
});

function problemsOf(text: string): { error: OffhookError; problems: readonly ConfigProblem[] } {
  try {
    parseConfig(text, { path: 'c.toml', schema });
  } catch (error) {
    if (error instanceof OffhookError) {
      return { error, problems: error.details?.['problems'] as readonly ConfigProblem[] };
    }
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('parseConfig', () => {
  it('returns validated values with defaults', () => {
    const config = parseConfig('[[account]]\naor = "sip:alice@example.com"\n', {
      path: 'c.toml',
      schema,
    });
    expect(config.account).toEqual([
      { aor: 'sip:alice@example.com', register: true, auto_answer: false },
    ]);
    expect(config.sip.listen).toEqual(['udp:0.0.0.0:5060']);
  });

  it('names file, line and dotted key of a wrong value', () => {
    const { error } = problemsOf(
      [
        '# phone',
        '[[account]]',
        'aor = "sip:a@b"',
        '',
        '[[account]]',
        'aor = "sip:c@d"',
        'register = "yes"',
      ].join('\n'),
    );
    expect(error.layer).toBe('config');
    expect(error.code).toBe('invalid');
    expect(error.message).toBe('c.toml:7: account[1].register: expected boolean, received string');
  });

  it('points at the table when a required key is missing', () => {
    const { problems } = problemsOf('\n\n[[account]]\nregister = true\n');
    expect(problems).toMatchObject([
      { line: 3, key: 'account[0].aor', message: 'required (string)' },
    ]);
  });

  it('reports several problems at once, in the order of their lines', () => {
    const { error, problems } = problemsOf(
      ['[[account]]', 'register = 1', 'aor = "mail:x"', 'auto_answer = "soon"'].join('\n'),
    );
    expect(problems.map(({ line, key }) => `${line} ${key}`)).toEqual([
      '2 account[0].register',
      '3 account[0].aor',
      '4 account[0].auto_answer',
    ]);
    expect(error.message.split('\n')).toHaveLength(3);
    expect(problems[1]?.message).toBe('must be a SIP URI');
  });

  it('refuses unknown keys and hints at what was meant', () => {
    const { problems } = problemsOf(
      [
        '[[account]]',
        'aor = "sip:a@b"',
        'regsiter = false',
        'proxy = { host = "h", port = 1, colour = 2 }',
        '[spi]',
        'x = 1',
      ].join('\n'),
    );
    expect(problems).toMatchObject([
      { line: 3, key: 'account[0].regsiter', message: 'unknown key; did you mean "register"?' },
      { line: 4, key: 'account[0].proxy.colour', message: 'unknown key' },
      { line: 5, key: 'spi', message: 'unknown key; did you mean "sip"?' },
    ]);
  });

  it('takes any key of a record and looks inside it', () => {
    const { problems } = problemsOf('[labels.anything]\ntext = "t"\ntexd = "t"\n');
    expect(problems).toMatchObject([
      { line: 3, key: 'labels.anything.texd', message: 'unknown key; did you mean "text"?' },
    ]);
  });

  it('reports an unknown key once for a strict schema too', () => {
    const strict = z.strictObject({ port: z.int() });
    expect(() => parseConfig('port = 1\nprot = 2', { path: 'c.toml', schema: strict })).toThrow(
      'c.toml:2: prot: unknown key; did you mean "port"?',
    );
  });

  it('finds lines through comments, long strings, arrays over lines, dotted and quoted keys', () => {
    const { problems } = problemsOf(
      [
        'sip.listen = [', // 1
        '  "udp:127.0.0.1:5060", # ] = not the end',
        '  5,', // 3
        ']',
        '[labels]',
        'a.text = """', // 6
        'text = "not a key"',
        '[account]',
        '"""',
        '"b \\"c" = { text = 4 }', // 10
        "'d'.text = ''' ''''", // 11
        'e.text = 1', // 12
      ].join('\n'),
    );
    expect(problems.map(({ line, key }) => `${line} ${key}`)).toEqual([
      '3 sip.listen[1]',
      '10 labels."b \\"c".text',
      '12 labels.e.text',
    ]);
  });

  it('names file, line, column and key of a syntax error, and never repeats the value', () => {
    const { error, problems } = problemsOf('[sip]\nlisten = []\npassword = "hunter2\n');
    expect(error.code).toBe('syntax');
    expect(error.message).toMatch(/^c\.toml:3:\d+: sip\.password: not valid TOML: /);
    expect(error.message).not.toContain('hunter2');
    expect(problems[0]?.line).toBe(3);
  });

  it('tells a key that is given twice', () => {
    const { error } = problemsOf('[sip]\nlisten = []\nlisten = []\n');
    expect(error.message).toMatch(/^c\.toml:3:\d+: sip\.listen: not valid TOML: /);
  });
});

describe('loadConfig', () => {
  const dir = mkdtempSync(join(tmpdir(), 'offhook-config-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it('reads a file', () => {
    const path = join(dir, 'config.toml');
    writeFileSync(path, '[sip]\nlisten = ["tcp:[::1]:5060"]\n');
    expect(loadConfig({ path, schema }).sip.listen).toEqual(['tcp:[::1]:5060']);
  });

  it('tells when the file is not there, unless it may be absent', () => {
    const path = join(dir, 'absent.toml');
    expect(() => loadConfig({ path, schema })).toThrow(`${path}: no such file`);
    expect(loadConfig({ path, schema, optional: true }).account).toEqual([]);
  });

  it('tells when the file cannot be read', () => {
    expect(() => loadConfig({ path: dir, schema })).toThrow(`${dir}: cannot be read (EISDIR)`);
  });
});
