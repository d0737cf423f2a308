// npm test [SUITE…]: the suites of that name, or all of them.
import { testSuites } from './suites/list.ts';
import { runSuites } from './suites/summary.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => testSuites.every((suite) => suite.name !== name));
if (unknown.length > 0) {
  const known = testSuites.map((suite) => suite.name).join(', ');
  console.error(`no such suite: ${unknown.join(', ')} (there are: ${known})`);
  process.exitCode = 2;
} else {
  const chosen = testSuites.filter((suite) => wanted.length === 0 || wanted.includes(suite.name));
  if (!(await runSuites(chosen))) process.exitCode = 1;
}
