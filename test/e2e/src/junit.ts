export interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly failure: string | undefined;
}

/** A JUnit report of one suite. */
export function junit(suite: string, outcomes: readonly Outcome[]): string {
  const failures = outcomes.filter(({ failure }) => failure !== undefined).length;
  const cases = outcomes.map(({ name, ms, failure }) => {
    const attributes = `classname="${suite}" name="${escape(name)}" time="${(ms / 1000).toFixed(3)}"`;
    if (failure === undefined) return `  <testcase ${attributes}/>`;
    const first = failure.split('\n')[0] ?? '';
    return `  <testcase ${attributes}><failure message="${escape(first)}">${escape(failure)}</failure></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="${suite}" tests="${outcomes.length}" failures="${failures}">`,
    ...cases,
    '</testsuite></testsuites>',
    '',
  ].join('\n');
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
