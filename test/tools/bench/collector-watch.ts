// Loaded into the hub's process before the hub (`node --import`): adds up what its garbage collector takes of the main
// thread. At SIGUSR2, which the hub itself ignores, the seconds since the start go to the file of BENCH_COLLECTOR_FILE.
import { renameSync, writeFileSync } from 'node:fs'
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'

const file = process.env['BENCH_COLLECTOR_FILE']
if (file !== undefined) {
  let collectedMs = 0
  const add = (entries: readonly PerformanceEntry[]): void => {
    for (const { duration } of entries) collectedMs += duration
  }
  const observer = new PerformanceObserver((list) => add(list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  process.on('SIGUSR2', () => {
    add(observer.takeRecords())
    // Whole or not at all: somebody waits for it to be there.
    writeFileSync(`${file}.new`, String(collectedMs / 1000))
    renameSync(`${file}.new`, file)
  })
}
