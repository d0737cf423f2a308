import { count, type Result } from './result.ts';

/** A JUnit report with one suite for each group of scenarios. */
export function junit(results: readonly Result[], complaints: readonly string[]): string {
  const groups = Map.groupBy(results, ({ scenario }) => scenario.group);
  const suites = [...groups].map(([group, of]) => suite(group, of));
  if (complaints.length > 0) suites.push(complaintSuite(complaints));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function suite(name: string, results: readonly Result[]): string {
  const counts =
    `tests="${results.length}" failures="${count(results, 'failed')}"` +
    ` skipped="${count(results, 'skipped')}"`;
  const cases = results.map(({ scenario, outcome, ms }) => {
    const attributes =
      `classname="${escape(name)}" name="${escape(`${scenario.id}: ${scenario.title}`)}"` +
      ` time="${(ms / 1000).toFixed(3)}"`;
    const requirements = scenario.requirements
      .map((id) => `      <property name="requirement" value="${escape(id)}"/>`)
      .join('\n');
    const properties = `      <properties>\n${requirements}\n      </properties>`;
    switch (outcome.kind) {
      case 'passed':
        return `    <testcase ${attributes}>\n${properties}\n    </testcase>`;
      case 'skipped':
        return `    <testcase ${attributes}>\n${properties}\n      <skipped message="${escape(outcome.reason)}"/>\n    </testcase>`;
      case 'failed': {
        const first = outcome.message.split('\n')[0] ?? '';
        return (
          `    <testcase ${attributes}>\n${properties}\n      <failure message="${escape(first)}">` +
          `${escape(`${outcome.message}\nLogs: ${outcome.directory}`)}</failure>\n    </testcase>`
        );
      }
      default:
        return outcome satisfies never;
    }
  });
  return `  <testsuite name="${escape(name)}" ${counts}>\n${cases.join('\n')}\n  </testsuite>`;
}

function complaintSuite(complaints: readonly string[]): string {
  const cases = complaints.map(
    (text) =>
      `    <testcase classname="requirements" name="${escape(text)}"><failure message="${escape(text)}"/></testcase>`,
  );
  return `  <testsuite name="requirements" tests="${cases.length}" failures="${cases.length}">\n${cases.join('\n')}\n  </testsuite>`;
}

/** Fit for XML 1.0: what it cannot hold, control characters, becomes a question mark. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
