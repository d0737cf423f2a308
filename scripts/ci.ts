// Everything that a change must pass, on a clean clone: .ci/run starts this.
import { demoCheck, longSuites, staticChecks, testSuites } from './suites/list.ts';
import { runSuites } from './suites/summary.ts';

if (!(await runSuites([...staticChecks, ...testSuites, ...longSuites, demoCheck])))
  process.exitCode = 1;
