import type { ServerResponse } from 'node:http'
import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { FeedEntries } from './schemas/feed.ts'

/** Entries in one event: what is written before the loop is let go. */
const EVENT_ENTRIES = 250
const HEARTBEAT_MS = 15_000

/** The changes of one kind that were not sent yet: only the latest of each key, so that it cannot grow without end. */
interface Pending {
  readonly name: string
  readonly latest: Map<string, unknown>
}

/** What has events of its own, which it makes when they can be written. */
export interface EventSource {
  /** The next event whole, as UTF-8. Empty: ask again; undefined: there is none now. */
  nextEvent(): Buffer | string | undefined
}

/**
 * Server-sent events to one client [HTML §9.2]. A client that does not read as fast as things change is told the latest of each
 * key when it has caught up: nothing is buffered but what is in the socket and one entry for each key.
 */
export class EventStream {
  /** Comes after what was put. */
  source: EventSource | undefined = undefined
  readonly #response: ServerResponse
  readonly #pending = new Map<string, Pending>()
  readonly #heartbeat: NodeJS.Timeout
  #isWriting = false

  constructor(response: ServerResponse) {
    this.#response = response
    this.#heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(':\n\n')
    }, HEARTBEAT_MS).unref()
    response.on('drain', () => this.flush())
    response.on('close', () => this.end())
  }

  /** The entries of the event `name` by key; what a key had before and was not told is replaced. */
  put<E extends keyof FeedEntries>(name: E, key: string, entry: FeedEntries[E]): void {
    let pending = this.#pending.get(name)
    if (pending === undefined) {
      pending = { name, latest: new Map() }
      this.#pending.set(name, pending)
    }
    pending.latest.set(key, entry)
  }

  /** Has written what there is, as fast as the client takes it. */
  flush(): void {
    if (this.#isWriting) return
    this.#isWriting = true
    TURN.run(LoopPart.FEED, this.#write())
  }

  end(): void {
    clearInterval(this.#heartbeat)
    this.#pending.clear()
    this.#response.end()
  }

  *#write(): Generator<void, void, undefined> {
    for (let event = this.#nextEvent(); event !== undefined; event = this.#nextEvent()) {
      if (event.length > 0) this.#response.write(event)
      yield
    }
    this.#isWriting = false
  }

  /** A part of what there is to tell; undefined when there is nothing, or the client has to catch up first. */
  #nextEvent(): Buffer | string | undefined {
    if (this.#response.writableNeedDrain || this.#response.writableEnded) return undefined
    const [pending] = this.#pending.values()
    if (pending === undefined) return this.source?.nextEvent()
    const entries: unknown[] = []
    for (const [key, entry] of pending.latest) {
      entries.push(entry)
      pending.latest.delete(key)
      if (entries.length === EVENT_ENTRIES) break
    }
    if (pending.latest.size === 0) this.#pending.delete(pending.name)
    return eventOf(pending.name, entries)
  }
}

/** An event as it is written; its data are one line. */
export function eventOf(name: string, entries: readonly unknown[]): string {
  return `event: ${name}\ndata: ${JSON.stringify(entries)}\n\n`
}
