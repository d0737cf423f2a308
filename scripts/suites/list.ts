import { asteriskRoot } from '../../test/sipp/src/infra/asterisk-install.ts';
import { systemImage } from '../../test/e2e/src/image.ts';
import type { Suite } from './suite.ts';

const MINUTE = 60_000;

function vitest(project: string, deadlineMs: number): Suite {
  return {
    name: project,
    command: (report) => [
      'node_modules/vitest/vitest.mjs',
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=junit',
      `--outputFile.junit=${report}`,
    ],
    result: 'junit',
    deadlineMs,
  };
}

function check(name: string, ...command: string[]): Suite {
  return { name, command: () => command, result: 'exit-code', deadlineMs: 10 * MINUTE };
}

/** What `npm test` runs. */
export const testSuites: readonly Suite[] = [
  vitest('unit', 10 * MINUTE),
  vitest('integration', 15 * MINUTE),
  {
    name: 'sipp',
    command: (report) => ['test/sipp/src/main.ts', '--junit', report],
    result: 'junit',
    deadlineMs: 30 * MINUTE,
    prepare: asteriskRoot,
  },
];

/** What takes too long for `npm test`: continuous integration runs these after it. */
export const longSuites: readonly Suite[] = [
  {
    name: 'e2e',
    command: (report) => ['test/e2e/src/main.ts', '--junit', report],
    result: 'junit',
    deadlineMs: 15 * MINUTE,
    prepare: systemImage,
  },
  {
    name: 'faults',
    command: (report) => ['test/faults/src/main.ts', '--junit', report],
    result: 'junit',
    deadlineMs: 12 * MINUTE,
    prepare: asteriskRoot,
  },
  { ...vitest('tour', 6 * MINUTE), prepare: asteriskRoot },
  {
    name: 'cti',
    command: (report) => ['test/cti/src/main.ts', '--junit', report],
    result: 'junit',
    deadlineMs: 8 * MINUTE,
    prepare: asteriskRoot,
  },
];

/** What continuous integration adds before and after the tests. */
export const staticChecks: readonly Suite[] = [
  check('typecheck', 'node_modules/typescript/bin/tsc', '-b'),
  check('lint', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'),
  check('format', 'node_modules/oxfmt/bin/oxfmt', '--check'),
  check('unused code', 'node_modules/knip/bin/knip.js'),
];

export const packageChecks: readonly Suite[] = [
  check('packages', 'scripts/try-packages.ts'),
  check(
    'packages for ARM',
    'scripts/setup.mjs',
    '--peers',
    '--arm64',
    'scripts/try-packages.ts',
    '--architecture',
    'arm64',
  ),
];

/** What the README says from nothing to a call, with libvirt, systemd and the packages. */
export const desktopCheck: Suite = check('desktop', 'scripts/try-desktop.ts');

export const demoChecks: readonly Suite[] = [
  check('demo', 'demo/src/main.ts', '--headless'),
  check('demo of a desk phone', 'demo/src/main.ts', '--desk', '--headless'),
];
