// Hot path: runs for each chunk of messages; measured by `npm run bench`, all throughput rows.

/** The publisher that a message of the hub itself, or of its API, has. */
const NOBODY = 0

/** Who published last to topics, by number: a client's identifier may be long, and a client may have many topics. */
export class PublisherNames {
  readonly #numbers = new Map<string, number>()
  readonly #names: (string | undefined)[] = [undefined]
  readonly #topics: number[] = [0]
  readonly #free: number[] = []

  /** Publishers with a topic. */
  get size(): number {
    return this.#numbers.size
  }

  /** The number of a publisher, which is its own as long as it has a topic: `enter` comes next. */
  numberOf(publisher: string | undefined): number {
    if (publisher === undefined) return NOBODY
    const known = this.#numbers.get(publisher)
    if (known !== undefined) return known
    const number = this.#free.pop() ?? this.#names.length
    this.#names[number] = publisher
    this.#topics[number] = 0
    this.#numbers.set(publisher, number)
    return number
  }

  nameOf(number: number): string | undefined {
    return this.#names[number]
  }

  /** It is that of one topic more. */
  enter(number: number): void {
    this.#topics[number] = (this.#topics[number] ?? 0) + 1
  }

  /** It is that of one topic less: with none it is forgotten. */
  leave(number: number): void {
    const topics = (this.#topics[number] ?? 0) - 1
    this.#topics[number] = topics
    const name = this.#names[number]
    if (topics > 0 || name === undefined) return
    this.#numbers.delete(name)
    this.#names[number] = undefined
    this.#free.push(number)
  }
}
