import type { Reporter, TestModule } from 'vitest/node'

const SHOWN_TESTS = 10

/** Prints which tests took longest, before vitest closes with its summary. */
export class SlowestTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules
      .flatMap((module) => [...module.children.allTests()])
      .map((one) => ({ durationMs: one.diagnostic()?.duration ?? 0, one }))
      .toSorted((a, b) => b.durationMs - a.durationMs)
      .slice(0, SHOWN_TESTS)
    if (tests.length < SHOWN_TESTS) return
    const lines = tests.map(
      ({ durationMs, one }) =>
        `${(durationMs / 1000).toFixed(1).padStart(6)} s  ${one.module.relativeModuleId}  ${one.fullName}`,
    )
    process.stdout.write(`\n The ${SHOWN_TESTS} slowest tests\n${lines.join('\n')}\n`)
  }
}
