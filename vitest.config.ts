import { defineConfig } from 'vitest/config';

const integration = ['*/test/integration/**/*.test.{ts,tsx}', 'test/*/test/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['*/test/**/*.test.{ts,tsx}'],
          exclude: ['test/**', ...integration],
          // Files share what they import: to load it for each took longer than the tests.
          isolate: false,
          // They mostly wait; as many as there are processors, not one less.
          maxWorkers: '100%',
          testTimeout: 10_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Adapters of the CTI bridge against PBXs and phones; `npm run test:cti`.
        test: {
          name: 'cti',
          include: ['test/cti/suite/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        // The phone on a terminal, typed into as people do; `npm run test:tour`.
        test: {
          name: 'tour',
          include: ['test/tour/suite/**/*.test.ts'],
          testTimeout: 45_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          bail: 1,
        },
      },
      {
        // Real processes and peers: one file at a time, because the machine is shared with them.
        test: {
          name: 'integration',
          include: integration,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
