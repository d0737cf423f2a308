import type { Outcome } from './run-part.ts';

/** A JUnit report with a test case for each part. */
export function junit(outcomes: readonly Outcome[]): string {
  const cases = outcomes.map(testCase);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="faults" tests="${outcomes.length}">`,
    ...cases,
    '</testsuite></testsuites>',
    '',
  ].join('\n');
}

function testCase({ part, verdict, ms }: Outcome): string {
  const name = escape(`${part.row} ${part.name}: ${part.what}`);
  const head = `  <testcase classname="faults" name="${name}" time="${(ms / 1000).toFixed(3)}"`;
  switch (verdict.kind) {
    case 'not-run':
      return `${head}><skipped message="${escape(verdict.reason)}"/></testcase>`;
    case 'failed':
      return `${head}><failure message="${escape(verdict.message.split('\n')[0] ?? '')}">${escape(verdict.message)}</failure></testcase>`;
    case 'measured':
      if (verdict.shortfalls.length === 0) return `${head}/>`;
      return `${head}><failure message="${escape(verdict.shortfalls.join('; '))}">${escape(JSON.stringify(verdict.measure))}</failure></testcase>`;
    default:
      return verdict satisfies never;
  }
}

/** Fit for XML 1.0. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
