import type { TopicRecord } from './topic-record.ts'

/** How often watchers are told. */
export const CHANGES_EVERY_MS = 250

/** Takes the topics that had a message since it was called last, each once; they may go on changing. */
export type TopicsChanged = (records: readonly TopicRecord[]) => void

/** Gathers which topics had a message, once for all who watch them, and only while somebody does. */
export class TopicChanges {
  readonly #watchers = new Set<TopicsChanged>()
  #records: TopicRecord[] = []
  #timer: NodeJS.Timeout | undefined = undefined

  /** From now on `changed` is called four times a second, unless nothing has changed. Returns a function that ends it. */
  watch(changed: TopicsChanged): () => void {
    this.#watchers.add(changed)
    this.#timer ??= setInterval(() => this.#tell(), CHANGES_EVERY_MS).unref()
    return () => {
      this.#watchers.delete(changed)
      if (this.#watchers.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#take()
    }
  }

  /** The topics of `records` had a message. */
  note(records: readonly TopicRecord[]): void {
    if (this.#timer === undefined) return
    for (const record of records) {
      if (record.isChanged) continue
      record.isChanged = true
      this.#records.push(record)
    }
  }

  #tell(): void {
    const records = this.#take()
    if (records.length === 0) return
    for (const changed of this.#watchers) changed(records)
  }

  #take(): readonly TopicRecord[] {
    const records = this.#records
    this.#records = []
    for (const record of records) record.isChanged = false
    return records
  }
}
