import { describe, expect, it } from 'vitest';

import { countJUnit } from '../suites/junit.ts';
import { judgeReport } from '../suites/suite.ts';
import { summarise } from '../suites/summary.ts';

const report = (body: string, totals = '') =>
  `<?xml version="1.0"?><testsuites${totals}><testsuite name="s">${body}</testsuite></testsuites>`;

describe('reading a JUnit report', () => {
  it('counts cases, whatever totals the report claims', () => {
    const xml = report(
      '<testcase name="a"/><testcase name="b"><failure message="no"/></testcase>' +
        '<testcase name="c"><skipped/></testcase><testcase name="d"><error>boom</error></testcase>',
      ' tests="99" failures="0"',
    );
    expect(countJUnit(xml)).toEqual({ passed: 1, failed: 2, skipped: 1 });
  });

  it('counts a case that both failed and was skipped as failed', () => {
    const xml = report('<testcase name="a"><skipped/><failure/></testcase>');
    expect(countJUnit(xml)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('finds cases in nested suites', () => {
    const xml = report('<testsuite><testcase name="a">text</testcase></testsuite><testcase/>');
    expect(countJUnit(xml)).toEqual({ passed: 2, failed: 0, skipped: 0 });
  });

  it('refuses what is no report', () => {
    expect(() => countJUnit('<html></html>')).toThrow('testsuites');
    expect(() => countJUnit('<testsuites><testsuite>')).toThrow('Invalid');
  });
});

describe('judging a suite', () => {
  const counts = { passed: 3, failed: 0, skipped: 1 };

  it('passes on exit 0 with tests that passed', () => {
    expect(judgeReport(0, counts)).toEqual(counts);
  });

  it('counts a failure when the suite ran no test', () => {
    expect(judgeReport(0, { passed: 0, failed: 0, skipped: 4 })).toMatchObject({ failed: 1 });
  });

  it('counts a failure when the suite ended badly without a failed test', () => {
    expect(judgeReport('SIGSEGV', counts)).toMatchObject({ passed: 3, failed: 1 });
  });

  it('counts a failure when there is no report', () => {
    expect(judgeReport(0, new Error('not found'))).toMatchObject({ failed: 1 });
  });
});

describe('the summary', () => {
  it('ends with the sums', () => {
    const lines = summarise([
      { suite: 'unit', seconds: 3, passed: 10, failed: 0, skipped: 1 },
      { suite: 'sipp', seconds: 60, passed: 5, failed: 2, skipped: 0, problem: 'ran no test' },
    ]);
    expect(lines.at(-1)).toBe('15 passed, 2 failed, 1 skipped');
    expect(lines[1]).toContain('ran no test');
  });
});
