import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { longFilesFirst } from './support/long-files-first.ts'
import { SlowestTests } from './support/slowest-tests.ts'

/**
 * Tests whose clock runs many times as fast as the machine's, or that load it by themselves: they run last and two at a time, of which
 * each waits about half of the time.
 */
const LAST = ['test/devices/runs*.slow.test.ts', 'test/tools/torture/torture*.slow.test.ts']

/** Files that take longest; they come first, so that no core waits at the end for one of them. */
const LONG = [
  'test/cli/main.test.ts',
  'test/dashboard/a11y.slow.test.ts',
  'test/dashboard/hostile.slow.test.ts',
  'test/dashboard/refusals.slow.test.ts',
  'test/docs/stranger.slow.test.ts',
  'test/tools/torture/torture-machine.slow.test.ts',
  'test/tools/torture/torture.slow.test.ts',
]

/** Tests that start programs or need packages of the system. */
const SLOW = ['test/cli/main.test.ts', 'test/interop/**/*.test.ts', 'test/**/*.slow.test.ts']

/** Tests that open no socket; `npm run watch` runs those of them that a change reaches. */
const UNIT = [
  'test/admin/{nearest-filter,undo}.test.ts',
  'test/assemble/*.test.ts',
  'test/auth/rules/*.test.ts',
  'test/base/{addresses,bytes,closest,durations,log,text-search}.test.ts',
  'test/cli/{command-line,help}.test.ts',
  'test/config/*.test.ts',
  'test/conformance/table.test.ts',
  'test/dashboard/*.test.ts',
  'test/devices/{flags,outbox,scenario}.test.ts',
  'test/docs/{links,readme}.test.ts',
  'test/examples/grafana.test.ts',
  'test/history/log/memory-history-log.test.ts',
  'test/history/query/*.test.ts',
  'test/listeners/{origins,read-turn}.test.ts',
  'test/observe/{load-average,loop-lag,loop-stops,recent-times}.test.ts',
  'test/http/{json-bodies,message-pieces}.test.ts',
  'test/protocol/*.test.ts',
  'test/router/*.test.ts',
  'test/session/deadlines.test.ts',
  'test/store/{packet-id-map,memory/*}.test.ts',
  'test/support/no-sockets.test.ts',
  'test/tools/{architecture,torture}/*.test.ts',
  'test/tools/bench/{arrivals,cost-table,field-rows,latency-table,packets,rows,table}.test.ts',
  'test/topics/*.test.ts',
]

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: UNIT,
          exclude: SLOW,
          setupFiles: 'test/support/no-sockets.ts',
          // These share no state, so they may share what they load, which takes longer than they do.
          pool: 'threads',
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        // Tests that have hubs, listeners or files, in this process: each has a hub of its own, so what is loaded they may share.
        test: {
          name: 'hub',
          include: ['test/**/*.test.ts'],
          exclude: [...SLOW, ...UNIT],
          isolate: false,
          // Threads that the hub starts are run by Node itself.
          execArgv: ['--import', fileURLToPath(new URL('support/typescript-loader.js', import.meta.url))],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: SLOW,
          exclude: LAST,
          // As of the hubs. A worker starts one Chromium, too.
          isolate: false,
          execArgv: ['--import', fileURLToPath(new URL('support/typescript-loader.js', import.meta.url))],
          globalSetup: 'test/support/required-packages.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'last',
          include: LAST,
          isolate: false,
          globalSetup: ['test/support/required-packages.ts', 'test/support/torture-programs.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
    ],
    // Most tests wait for something most of the time: two workers more than cores keep the cores busy. In the inner loop none starts
    // a program, and more of them wait.
    maxWorkers: availableParallelism() + (process.env['TEST_RUNS'] === undefined ? 2 : 5),
    // As Node reads the default export of a CommonJS package.
    deps: { interopDefault: false },
    // A guard, as in support/guard.ts: what is polled for comes at once on a machine that has nothing else to do.
    expect: { poll: { timeout: 10_000 } },
    // Tests must not lean on each other: any order has to do.
    sequence: {
      shuffle: { tests: true },
      sequencer: longFilesFirst(['slow', 'hub', 'unit', 'last'], (path) => LONG.some((long) => path.endsWith(long))),
    },
    reporters: [new SlowestTests(), 'default'],
  },
})
