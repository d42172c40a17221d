// Rows of what grows in the field: many sessions, retained messages, connections and filters. They take minutes each.
import { allRows, throughputRow, type Row } from './rows.ts'

const wantedIdleConnections = 9000
const wantedFieldConnections = 200_000
const publishingConnections = 10_000
const distinctFilters = 100_000
const retainedMessages = 1_000_000
const keptSessions = 100_000

/**
 * Those whose names contain `text`, and of the field only when `text` says so. Connections are as many as wanted, or as
 * are affordable, and then it says so.
 */
export function chooseRows(text: string, affordableConnections: number): Row[] {
  const bounded = (wanted: number): number => Math.min(wanted, affordableConnections)
  const fieldRows = allFieldRows(bounded(wantedFieldConnections), bounded(publishingConnections))
  const rows = [...allRows(bounded(wantedIdleConnections)), ...(text.includes('field') ? fieldRows : [])]
  const chosen = rows.filter(({ name }) => name.includes(text))
  const wantsMore = chosen.some(
    ({ task }) => (task.kind === 'idle' || task.kind === 'crowd') && task.connections === affordableConnections,
  )
  if (wantsMore) console.log(`Only ${affordableConnections} connections: more files may not be open (ulimit -n).`)
  return chosen
}

function allFieldRows(idleConnections: number, publishers: number): Row[] {
  const common = {
    requirement: { kind: 'none' },
    isField: true,
    hasCeiling: false,
    disturbedFromShare: 0.2,
    allowanceSeconds: 900,
  } as const
  const topics = distinctFilters.toLocaleString('en')
  const load = { publishers: 10, subscribers: 1, qos: 0, payloadBytes: 64, randomTopics: distinctFilters } as const
  return [
    { ...throughputRow(`field: QoS 0, 10 → 1, ${topics} topics at random, "#", 64 B`, load), ...common },
    {
      ...throughputRow(`field: QoS 0, 10 → 1, ${topics} topics at random, a wildcard filter each, 64 B`, {
        ...load,
        hasFilterEach: true,
      }),
      ...common,
    },
    {
      ...common,
      name: `field: start with ${retainedMessages.toLocaleString('en')} retained and ${keptSessions.toLocaleString('en')} sessions, on disk`,
      unit: 'ms',
      task: { kind: 'start', retainedMessages, sessions: keptSessions, payloadBytes: 64 },
      isOnDisk: true,
    },
    {
      ...common,
      name: `field: memory of each of ${idleConnections.toLocaleString('en')} connections, then PINGREQ once a minute`,
      unit: 'B',
      task: { kind: 'crowd', connections: idleConnections, does: 'ping' },
      isOnDisk: false,
    },
    {
      ...common,
      name: `field: memory of each of ${publishers.toLocaleString('en')} connections, then PUBLISH once a minute`,
      unit: 'B',
      task: { kind: 'crowd', connections: publishers, does: 'publish' },
      isOnDisk: false,
    },
  ]
}
