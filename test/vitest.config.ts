import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Tests that start programs or need packages of the system; all others are fast. */
const SLOW = ['test/cli/main.test.ts', 'test/interop/**/*.test.ts', 'test/fresh/**/*.test.ts', 'test/**/*.slow.test.ts']

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: SLOW, testTimeout: 15_000 },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: SLOW,
          globalSetup: 'test/support/required-packages.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    // As Node reads the default export of a CommonJS package.
    deps: { interopDefault: false },
    // Tests must not lean on each other: any order has to do.
    sequence: { shuffle: true },
  },
})
