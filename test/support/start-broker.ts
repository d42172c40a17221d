import { Gate } from '../../src/auth/gate.ts'
import { unboundedMemory } from '../../src/base/memory-budget.ts'
import { onTestFinished } from 'vitest'
import { Clock } from '../../src/base/clock.ts'
import { Broker } from '../../src/broker/broker.ts'
import { completeConfig } from '../../src/config/complete.ts'
import { Connections } from '../../src/connection/connections.ts'
import { ReadTurn } from '../../src/listeners/read-turn.ts'
import { TcpListener } from '../../src/listeners/tcp.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Mishaps } from '../../src/observe/mishaps.ts'
import { Router } from '../../src/router/router.ts'
import { Sessions } from '../../src/session/sessions.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { watchLeftovers } from './leftovers.ts'
import { CollectingLog } from './start-hub.ts'

export interface TestBroker {
  readonly broker: Broker
  readonly connections: Connections
  readonly store: MemoryStore
  readonly log: CollectingLog
  /** MQTT over TCP. */
  readonly port: number
}

/** Starts the broker with as much of a hub as its clients need, for tests that look at the broker itself. */
export async function startBroker(): Promise<TestBroker> {
  const leftovers = watchLeftovers()
  const { limits } = completeConfig({})
  const [ledger, log, store, clock] = [new Ledger(), new CollectingLog(), new MemoryStore(), new Clock()]
  const bounds = { topicLimits: limits, retainedLimits: limits, maxTopics: 10, maxTopicMemoryBytes: 1024 ** 2 }
  const router = new Router({ ledger, clock, store, ...bounds })
  const mishaps = new Mishaps(() => clock.nowMs())
  const shared = { ledger, log, mishaps, router, limits, clock, memory: unboundedMemory(), gate: new Gate() }
  const sessionLimits = { ...limits, sharedStrategy: 'round-robin' } as const
  const sessions = new Sessions({ ...shared, store, past: undefined, limits: sessionLimits })
  const broker = new Broker({ store, sessions, topicLimits: limits })
  const connections = new Connections({ ...shared, broker, sessions })
  const listener = new TcpListener(
    { host: '127.0.0.1', port: 0, portOption: '--port', log, readTurn: new ReadTurn() },
    (transport) => connections.accept(transport),
  )
  await broker.listen()
  await listener.start()
  onTestFinished(async () => {
    await listener.stop()
    await connections.stop()
    await broker.stop()
    await leftovers.untilGone()
  })
  return { broker, connections, store, log, port: listener.address.port }
}
