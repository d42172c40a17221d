import { statSync } from 'node:fs'
import { maxOpenFiles } from '../base/open-files.ts'
import type { StopCounts } from './loop-stops.ts'
import type { ReadRow } from './metric-row.ts'

/** Metrics of the process, under the names of Prometheus' own client libraries. They cost nothing until they are read. */
export const PROCESS_ROWS: readonly ReadRow[] = [
  {
    name: 'hubbub_event_loop_busy_seconds_total',
    kind: 'counter',
    help: 'Time in which the event loop was busy. Its rate is the load of the hub; near 1 the hub is at its limit.',
    read: () => performance.eventLoopUtilization().active / 1000,
  },
  {
    name: 'hubbub_event_loop_stops_total',
    kind: 'counter',
    label: 'cause',
    help: 'How often the event loop was held for 20 ms or more, by the part of the hub that had most of the time; gc is the garbage collector, other is none of these. Of stops that no one part took alone, and of other, those are counted that one of ten looks a second fell into.',
    read: ({ loopStops }) => stopsBy(loopStops, ({ stops }) => stops),
  },
  {
    name: 'hubbub_event_loop_stop_seconds_total',
    kind: 'counter',
    label: 'cause',
    help: 'How long these stops were, all together.',
    read: ({ loopStops }) => stopsBy(loopStops, ({ seconds }) => seconds),
  },
  {
    name: 'hubbub_event_loop_longest_stop_seconds',
    kind: 'gauge',
    label: 'cause',
    help: 'The longest of these stops since the hub started.',
    read: ({ loopStops }) => stopsBy(loopStops, ({ longestSeconds }) => longestSeconds),
  },
  {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'CPU time of the process, all threads, user and system.',
    read: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  },
  {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    help: 'When the process was started, in seconds since 1970.',
    read: () => performance.timeOrigin / 1000,
  },
  {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Memory of the process that is in RAM. With a store on disk, this includes pages of its file, which the operating system takes back when it needs them.',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'process_open_fds',
    kind: 'gauge',
    help: 'Open files and sockets of the process; only where the operating system counts them (Linux 6.2 and newer).',
    read: openFiles,
  },
  {
    name: 'process_max_fds',
    kind: 'gauge',
    help: 'How many files and sockets the process may have open (ulimit -n); only on Linux.',
    read: maxOpenFiles,
  },
  {
    name: 'nodejs_heap_size_total_bytes',
    kind: 'gauge',
    help: 'Size of the JavaScript heap.',
    read: () => process.memoryUsage().heapTotal,
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    kind: 'gauge',
    help: 'How much of the JavaScript heap is in use, including garbage that is not collected yet.',
    read: () => process.memoryUsage().heapUsed,
  },
  {
    name: 'nodejs_external_memory_bytes',
    kind: 'gauge',
    help: 'Memory outside the JavaScript heap that belongs to objects in it, mostly buffers.',
    read: () => process.memoryUsage().external,
  },
]

/** The size of the folder is their number. Listing them would block the loop for tens of milliseconds with 100,000 connections. */
function openFiles(): number | undefined {
  const stats = statSync('/proc/self/fd', { throwIfNoEntry: false })
  return stats === undefined || stats.size === 0 ? undefined : stats.size
}

function stopsBy(
  loopStops: ReadonlyMap<string, StopCounts>,
  read: (counts: StopCounts) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries([...loopStops].map(([cause, counts]) => [cause, read(counts)]))
}
