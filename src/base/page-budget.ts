/** The most work for one page, where one is some microseconds. An entry counts one; what is read to find entries, or to look into them, counts more. */
const MAX_WORK = 100_000
/** How much a block or an index counts, and how many bytes of payload count as one entry. */
const PAUSE_WORK = 20
const PAYLOAD_BYTES_A_WORK = 100
/** The most that topics and payloads of a page take, with the entry that passes it. */
const MAX_SHOWN_BYTES = 1024 ** 2

/** What one page of an answer may cost: to find, and to send. Who finds it used up ends the page, with a cursor. */
export class PageBudget {
  #work = 0
  #shownBytes = 0

  get isUsedUp(): boolean {
    return this.#work >= MAX_WORK || this.#shownBytes >= MAX_SHOWN_BYTES
  }

  /** Something was read in which entries are looked for. */
  search(): void {
    this.#work += PAUSE_WORK
  }

  /** An entry was looked at, with so much work besides. */
  look(payloadBytes: number, work = 0): void {
    this.#work += 1 + payloadBytes / PAYLOAD_BYTES_A_WORK + work
  }

  /** An entry is on the page with so much of its topic and payload. */
  show(bytes: number): void {
    this.#shownBytes += bytes
  }
}
