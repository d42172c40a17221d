import { type MemoryBudget, unboundedMemory } from '../../src/base/memory-budget.ts'
import type { HistoryEntry, HistoryPage, HistoryQuery } from '../../src/admin/history-view.ts'
import { History, type HistorySettings } from '../../src/history/history.ts'
import { Clock } from '../../src/base/clock.ts'
import { Message } from '../../src/protocol/message.ts'
import { encodePublish } from '../../src/protocol/publish-packet.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { DiskHistoryLog } from '../../src/history/log/disk-history-log.ts'
import type { HistoryLog } from '../../src/history/log/history-log.ts'
import { MemoryHistoryLog } from '../../src/history/log/memory-history-log.ts'
import { CollectingLog } from '../support/start-hub.ts'

export const START_MS = Date.UTC(2026, 0, 1)
export const TOPIC_LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32 }

export const SETTINGS: HistorySettings = {
  enabled: true,
  maxBytes: 1024 ** 3,
  maxDays: 7,
  qos0PerSecond: 2000,
  qos0BytesPerSecond: 2 * 1024 ** 2,
  qos0BytesPerSecondPerTopic: 64 * 1024,
  qos0PerSecondPerTopic: 20,
  maxMessagesPerSecond: 20_000,
  rules: [],
}

/** A clock that stands until it is set. */
export class SetClock extends Clock {
  #nowMs = START_MS

  constructor() {
    super()
    this.turnMs = START_MS
  }

  override nowMs(): number {
    return this.#nowMs
  }

  /** To `atMs`, for those who ask and for those who look at the time of the turn. */
  set(atMs: number): void {
    this.#nowMs = atMs
    this.turnMs = atMs
  }

  pass(ms: number): void {
    this.set(this.#nowMs + ms)
  }
}

/** A history by itself, with a clock that stands. */
export interface Stage {
  readonly history: History
  readonly clock: SetClock
  readonly log: CollectingLog
}

export interface StageOptions extends Partial<HistorySettings> {
  /** Undefined: the history is in memory. */
  readonly folder?: string
  readonly clock?: SetClock
  readonly store?: HistoryLog
  readonly memory?: MemoryBudget
}

/** Starts a history; the test stops it. */
export async function startHistory({
  folder,
  clock = new SetClock(),
  store,
  memory = unboundedMemory(),
  ...settings
}: StageOptions = {}): Promise<Stage> {
  const log = new CollectingLog()
  const history = new History({
    settings: { ...SETTINGS, ...settings },
    store: store ?? (folder === undefined ? new MemoryHistoryLog(memory) : new DiskHistoryLog({ folder, log })),
    clock,
    log,
    topicLimits: TOPIC_LIMITS,
    memory,
  })
  await history.start()
  return { history, clock, log }
}

/** A message of a client `publisher`. */
export function said(topic: string, payload: string | Buffer = 'x', qos: QoS = 1, retain = false): Message {
  return Message.create(topic, Buffer.from(payload), qos, retain, 'publisher')
}

/** A run of QoS 0 messages as a connection hands it over. */
export function postingListOf(topic: string, payloads: readonly string[]): Message {
  const packets = payloads.map((payload) => encodePublish(Buffer.from(topic), undefined, Buffer.from(payload), false))
  const chunk = Buffer.concat(packets)
  const run = new Message()
  run.set(topic, 0, false, chunk, 0, (packets[0]?.length ?? 0) - (payloads[0]?.length ?? 0), chunk.length)
  run.count = payloads.length
  run.publisher = 'publisher'
  return run
}

export function payloadsOf({ entries }: { readonly entries: readonly HistoryEntry[] }): string[] {
  return entries.map(({ message }) => message.payload.toString())
}

/** All pages of a query, one after the other. */
export async function allPages(history: History, query: HistoryQuery): Promise<HistoryPage[]> {
  const pages = [await history.page(query)]
  for (let cursor = pages[0]?.nextCursor ?? null; cursor !== null; cursor = pages.at(-1)?.nextCursor ?? null) {
    pages.push(await history.page({ ...query, cursor }))
  }
  return pages
}

/** The payloads of all pages of a query. */
export async function allPayloads(history: History, query: HistoryQuery): Promise<string[]> {
  return (await allPages(history, query)).flatMap((page) => payloadsOf(page))
}
