import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'

/** One message of the past. */
export interface HistoryEntry {
  /** Grows with each message that is recorded, also over restarts; not without gaps. */
  readonly sequence: number
  /** When it came, in ms since 1970 by the hub's clock. */
  readonly atMs: number
  readonly topic: string
  /** The client it came from; null for the hub itself. */
  readonly publisher: string | null
  readonly qos: QoS
  readonly retain: boolean
  /** The whole message, its own for as long as it is needed. */
  readonly message: Message
}

export type HistoryOrder = 'newest' | 'oldest'

/** Where in the past: a sequence number, or a time in ms since 1970. */
export type HistoryPosition = { readonly sequence: number } | { readonly atMs: number }

/** What is looked for. All conditions hold together; what is left out does not restrict. */
export interface HistoryQuery {
  /** A valid topic filter; default '#', which reaches all topics but those that begin with "$". */
  readonly filter?: string | undefined
  /** Which end comes first; default 'newest'. With `around` the entries come oldest first. */
  readonly order?: HistoryOrder | undefined
  /** Only what is older than this. */
  readonly before?: HistoryPosition | undefined
  /** Only what is newer than this; a time counts itself. */
  readonly after?: HistoryPosition | undefined
  /** As many on both sides of this as the limit allows; not together with `before`, `after`, `cursor`. */
  readonly around?: HistoryPosition | undefined
  /** How much of each payload will be shown, and so counts for the size of a page; default all. */
  readonly shownBytes?: number | undefined
  /** Entries on a page, 1 to 1,000, and less when their payloads are large; default 100. */
  readonly limit?: number | undefined
  /** In the first 256 KiB of the payload as UTF-8 or in the topic, in upper or lower case. */
  readonly text?: string | undefined
  /** An RFC 9535 filter expression over the payload as JSON: `@.temperature > 20 && @.unit == "C"`. */
  readonly where?: string | undefined
  /** Only topics that it is true of; it is asked once for each. */
  readonly includes?: ((topic: string) => boolean) | undefined
  /** `nextCursor` or `previousCursor` of a page of the same query. */
  readonly cursor?: string | undefined
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[]
  /** Goes on behind the last entry; null when there is nothing there, or nothing yet for 'oldest'. */
  readonly nextCursor: string | null
  /** Goes on before the first entry; only with `around`. */
  readonly previousCursor: string | null
  /** Entries that were looked at for this page. */
  readonly scanned: number
  /** Those of them whose payload is too large for `where`: they are not on the page, whatever is in them. */
  readonly unsearched: number
  /** False: the page ended because enough was looked at, or is on it, before its limit or the end of the past. */
  readonly isComplete: boolean
}

/** The history in numbers. */
export interface HistorySnapshot {
  readonly isEnabled: boolean
  /** What is there now. */
  readonly messages: number
  /** What it takes in the store. */
  readonly bytes: number
  readonly topics: number
  /** Undefined while there is nothing. */
  readonly oldestAtMs: number | undefined
  readonly newestAtMs: number | undefined
  readonly lastSequence: number
  /** Messages that were recorded since the hub started, and below those that were not. */
  readonly recorded: number
  /** By reason. */
  readonly leftOut: Readonly<Record<string, number>>
  /** Messages that are recorded and not yet stored. */
  readonly pending: number
  /** The store cannot write now. */
  readonly isFailing: boolean
}

/** How much there is of some topics. */
export type HistorySums = Pick<HistorySnapshot, 'topics' | 'messages' | 'bytes'>

/** What is known of one topic. */
export interface HistoryTopicSummary {
  readonly topic: string
  readonly messages: number
  readonly bytes: number
  readonly newestAtMs: number
  /** Messages of this topic alone that its own rates left out, since the hub started; those of the total rates are not among them. */
  readonly leftOut: number
}

/** What an import did. */
export interface ImportSummary {
  readonly imported: number
  /** Older than the history keeps anything. */
  readonly tooOld: number
  /** Lines that are no entries, and the first few of them with what is wrong. */
  readonly faulty: number
  readonly faults: readonly string[]
}

/** What people and programs may ask of the past. */
export interface HistoryView {
  /**
   * Ends early when the signal is aborted.
   * @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter
   */
  page(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage>
  /**
   * NDJSON in chunks, oldest first unless the query says otherwise. `limit` and `around` do not apply.
   * @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter
   */
  export(query: HistoryQuery, signal?: AbortSignal): AsyncIterable<Buffer>
  /** Adds what an export gave. */
  import(lines: AsyncIterable<Buffer>): Promise<ImportSummary>
  /** Undefined: nothing of the topic was recorded, or nothing of it is left. */
  topic(name: string): HistoryTopicSummary | undefined
  snapshot(): HistorySnapshot
  /** Of the topics that `includes` is true of: how many there are, with how much. */
  sums(includes: (topic: string) => boolean): Promise<HistorySums>
}
