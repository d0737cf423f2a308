// Everything that a change must pass, on a clean clone: .ci/run starts this.
import {
  demoChecks,
  desktopCheck,
  longSuites,
  packageChecks,
  staticChecks,
  testSuites,
} from './suites/list.ts';
import { runSuites } from './suites/summary.ts';

const tests = [...testSuites, ...longSuites];
const checks = [...packageChecks, desktopCheck, ...demoChecks];
if (!(await runSuites([...staticChecks, ...tests, ...checks]))) process.exitCode = 1;
