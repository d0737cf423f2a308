import { XMLParser } from 'fast-xml-parser';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, coverage } from '../src/runner/coverage.ts';
import { junit } from '../src/runner/junit.ts';
import { requirements } from '../src/runner/requirements.ts';
import type { Result } from '../src/runner/result.ts';
import { scenario } from '../src/runner/scenario.ts';
import { requirementTable, resultLine, summary } from '../src/runner/text.ts';
import { scenarios } from '../src/scenarios/index.ts';

const SCENARIOS = join(import.meta.dirname, '../scenarios');

describe('the scenarios', () => {
  it('cite every requirement, and none that is not there', () => {
    expect(complaints(coverage(scenarios, requirements))).toEqual([]);
  });

  it('are many, over both transports, IPv6 and with loss', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(60);
    const networks = new Set(scenarios.map(({ network }) => network));
    expect(networks).toEqual(new Set(['lossy', 'tcp', 'tcp6', 'udp', 'udp6']));
  });

  it('are each played from a file that is well-formed, and every file is played', () => {
    const sources = readdirSync(join(import.meta.dirname, '../src/scenarios'))
      .map((name) => readFileSync(join(import.meta.dirname, '../src/scenarios', name), 'utf8'))
      .join('\n');
    const played = new Set(
      [...sources.matchAll(/'((?:ua[cs]|registrar)[a-z0-9-]*\.xml)'/g)].map(([, name]) => name),
    );
    const files = readdirSync(SCENARIOS);
    expect(played).toEqual(new Set(files));
    for (const name of files) {
      const parsed: unknown = new XMLParser({ ignoreAttributes: false }).parse(
        readFileSync(join(SCENARIOS, name), 'latin1'),
        true,
      );
      expect(parsed).toHaveProperty('scenario.@_name');
    }
  });
});

const [proved] = scenario({
  id: 'a-call',
  title: 'A call & its <end>',
  requirements: ['call.out'],
  run: () => Promise.resolve(),
});

function result(outcome: Result['outcome']): Result {
  if (proved === undefined) throw new Error('no scenario');
  return { scenario: proved, outcome, ms: 1234 };
}

describe('coverage', () => {
  it('finds uncited and unknown requirements and ids that are used twice', () => {
    const cites = [
      { id: 'one', requirements: ['call.out'] },
      { id: 'one', requirements: ['nonsense' as 'call.out'] },
    ] as const;
    const found = coverage(cites, {
      'call.out': { source: 'x', text: 'y' },
      'call.in': { source: 'x', text: 'y' },
    });
    expect(found).toEqual({ unknown: ['nonsense'], uncited: ['call.in'], duplicates: ['one'] });
    expect(complaints(found)).toHaveLength(3);
  });
});

describe('reports', () => {
  const results = [
    result({ kind: 'passed' }),
    result({ kind: 'failed', message: 'SIPp said "no"\u0000\nand more', directory: '/logs' }),
    result({ kind: 'skipped', reason: 'no root' }),
  ];

  it('are JUnit that a parser takes, with the requirements as properties', () => {
    const xml = junit(results, ['nobody cites x']);
    const parsed = new XMLParser({ ignoreAttributes: false }).parse(xml, true) as {
      testsuites: { testsuite: { '@_name': string; '@_tests': string; '@_failures': string }[] };
    };
    const [sipp, complaint] = parsed.testsuites.testsuite;
    expect(sipp).toMatchObject({
      '@_name': 'sipp',
      '@_tests': '3',
      '@_failures': '1',
      '@_skipped': '1',
    });
    expect(complaint).toMatchObject({ '@_name': 'requirements', '@_failures': '1' });
    expect(xml).toContain('name="requirement" value="call.out"');
  });

  it('end with the totals, after the reasons for what was not run', () => {
    const lines = summary(results, ['nobody cites x']).split('\n');
    expect(lines.at(-1)).toBe('1 passed, 2 failed, 1 skipped');
    expect(lines).toContain('1 not run: no root');
    expect(resultLine(results[1] as Result)).toContain('/logs');
  });

  it('make a table of who proves what', () => {
    const table = requirementTable([{ id: 'a-call', requirements: ['call.out'] }], {
      'call.out': { source: 'RFC 3261', text: 'A call.' },
    });
    expect(table).toContain('| `call.out` | RFC 3261 | A call. | `a-call` |');
  });
});

describe('a scenario over several networks', () => {
  it('is one for each, which cites what the network proves', () => {
    const both = scenario({
      id: 'x',
      title: 'X',
      requirements: ['call.out'],
      over: ['udp', 'tcp6'],
      run: () => Promise.resolve(),
    });
    expect(both.map(({ id }) => id)).toEqual(['x-udp', 'x-tcp6']);
    expect(both[1]?.requirements).toEqual(['call.out', 'net.tcp', 'net.ipv6']);
  });
});
