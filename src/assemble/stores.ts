import { resolve as resolvePath } from 'node:path'
import type { Publisher } from '../admin/publisher.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import type { Stage } from '../base/stages.ts'
import type { Config } from '../config/config.ts'
import type { History } from '../history/history.ts'
import type { HistoryLog } from '../history/log/history-log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { HUB_ITSELF, type Mishaps } from '../observe/mishaps.ts'
import type { Sessions } from '../session/sessions.ts'
import type { FolderLock } from '../store/disk/folder-lock.ts'
import { UnreadStore } from '../store/memory/unread-store.ts'
import type { Store, StoreListener } from '../store/store.ts'

export async function createStore(
  { data, durability }: Config,
  log: Log,
  clock: Clock,
  memory: MemoryBudget,
  observer: Metrics,
): Promise<Store> {
  if (data === 'memory') return new UnreadStore(memory.queues)
  const { DiskStore } = await import('../store/disk/disk-store.ts')
  return new DiskStore({ folder: resolvePath(data), durability, log, clock, memory, observer })
}

export async function createHistory(config: Config, log: Log, clock: Clock, memory: MemoryBudget): Promise<History> {
  const { data, history: settings, limits: topicLimits } = config
  const { History } = await import('../history/history.ts')
  return new History({ settings, store: await createHistoryLog(data, log, memory), clock, log, topicLimits, memory })
}

async function createHistoryLog(data: string, log: Log, memory: MemoryBudget): Promise<HistoryLog> {
  if (data === 'memory') {
    const { MemoryHistoryLog } = await import('../history/log/memory-history-log.ts')
    return new MemoryHistoryLog(memory)
  }
  const { DiskHistoryLog } = await import('../history/log/disk-history-log.ts')
  return new DiskHistoryLog({ folder: resolvePath(data), log })
}

/** Has the folder for a history alone; with the store of the hub, that has it. */
export async function dataFolder(data: string): Promise<Pick<Stage, 'start' | 'stop'>> {
  const { takeFolder } = await import('../store/disk/data-folder.ts')
  let lock: FolderLock | undefined
  return {
    start: async () => {
      lock = await takeFolder(resolvePath(data))
    },
    stop: () => lock?.release(),
  }
}

export function storeListener(sessions: Sessions, publisher: Publisher, mishaps: Mishaps): StoreListener {
  let isFailing = false
  return {
    onStored: (batch) => {
      isFailing = false
      sessions.onStored(batch)
      publisher.onStored(batch)
    },
    onFailed: (batch, error) => {
      // It tries again each second.
      if (!isFailing) mishaps.note('store-failing', HUB_ITSELF, error.message)
      isFailing = true
      sessions.onFailed(batch, error)
      publisher.onFailed(batch, error)
    },
  }
}

/** Their clients were connected when the hub died [MQTT-3.1.2-8]. */
export function publishWills(store: Store, sessions: Sessions, log: Log): void {
  // What is removed or put meanwhile must not be come across again.
  for (const will of Array.from(store.wills())) {
    const { clientId, message } = will
    log.info({ clientId, topic: message.topic }, 'the will of a client that was connected is due')
    store.removeWill(clientId)
    sessions.willDue(sessions.get(clientId), will)
  }
}
