import type { Message } from '../../protocol/message.ts'
import type { Search } from './search.ts'
import type { HistoryTopic } from '../record/topics.ts'
import type { Found } from './walk.ts'

/** The conditions of a search on the content of entries. */
export class Conditions {
  readonly #text: string | undefined
  readonly #where: Search['where']
  /** Topics whose name is known to contain the text, or not. */
  readonly #named = new Map<HistoryTopic, boolean>()

  constructor({ text, where }: Pick<Search, 'text' | 'where'>) {
    this.#text = text
    this.#where = where
  }

  /** There are no conditions: all entries match. */
  get isEmpty(): boolean {
    return this.#text === undefined && this.#where === undefined
  }

  matches({ topic }: Found, { payload }: Message): boolean {
    const text = this.#text
    if (text !== undefined && !this.#isNamed(topic, text) && !payload.toString().toLowerCase().includes(text))
      return false
    return this.#where === undefined || this.#where.matches(payload)
  }

  #isNamed(topic: HistoryTopic, text: string): boolean {
    let isNamed = this.#named.get(topic)
    if (isNamed === undefined) this.#named.set(topic, (isNamed = topic.name.toLowerCase().includes(text)))
    return isNamed
  }
}
