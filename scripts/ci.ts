// Everything that a change must pass, on a clean clone: .ci/run starts this.
import { demoChecks, longSuites, packageCheck, staticChecks, testSuites } from './suites/list.ts';
import { runSuites } from './suites/summary.ts';

if (
  !(await runSuites([...staticChecks, ...testSuites, ...longSuites, packageCheck, ...demoChecks]))
)
  process.exitCode = 1;
