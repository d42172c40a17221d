import { TextSearch } from '../../base/text-search.ts'
import type { Message } from '../../protocol/message.ts'
import type { Search } from './search.ts'
import type { HistoryTopic } from '../record/topics.ts'
import type { Found } from './walk.ts'

/** The conditions of a search on the content of entries. */
export class Conditions {
  readonly #text: TextSearch | undefined
  readonly #where: Search['where']
  /** Messages whose payload is too large for `where`. */
  unsearched = 0
  /** Topics whose name is known to contain the text, or not. */
  readonly #named = new Map<HistoryTopic, boolean>()

  constructor({ text, where }: Pick<Search, 'text' | 'where'>) {
    this.#text = text === undefined ? undefined : new TextSearch(text)
    this.#where = where
  }

  /** There are no conditions: all entries match. */
  get isEmpty(): boolean {
    return this.#text === undefined && this.#where === undefined
  }

  /** What it takes to look into a payload of that size, besides what it takes to look at the message. */
  work(payloadBytes: number): number {
    return this.#where?.work(payloadBytes) ?? 0
  }

  matches({ topic }: Found, { payload }: Message): boolean {
    const text = this.#text
    if (text !== undefined && !this.#isNamed(topic, text) && !text.isInPayload(payload)) return false
    if (this.#where === undefined) return true
    const matches = this.#where.matches(payload)
    if (matches === undefined) this.unsearched++
    return matches === true
  }

  #isNamed(topic: HistoryTopic, text: TextSearch): boolean {
    let isNamed = this.#named.get(topic)
    if (isNamed === undefined) this.#named.set(topic, (isNamed = text.isIn(topic.name)))
    return isNamed
  }
}
