// Everything that a change must pass, on a clean clone: .ci/run starts this.
import { demoCheck, longSuites, packageCheck, staticChecks, testSuites } from './suites/list.ts';
import { runSuites } from './suites/summary.ts';

if (!(await runSuites([...staticChecks, ...testSuites, ...longSuites, packageCheck, demoCheck])))
  process.exitCode = 1;
