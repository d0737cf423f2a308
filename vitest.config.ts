import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*/test/**/*.test.{ts,tsx}'],
    exclude: ['test/**', '**/node_modules/**'],
    testTimeout: 10_000,
    hookTimeout: 20_000,
  },
});
