// Hot path: runs once a message delivered; every throughput row measures it.

/** Which messages have come to those who get them, so that publishers may send more and nothing comes twice. */
export interface Arrivals {
  /** By publisher: nothing before this message is waited for. */
  readonly due: Uint32Array
  /** Takes note of a message of a publisher below `due.length`; false when it must not have come. */
  note(publisher: number, sequence: number): boolean
}

/** Of one subscriber: the messages of a publisher come in their order, each once. */
export class OrderedArrivals implements Arrivals {
  readonly due: Uint32Array

  constructor(publishers: number) {
    this.due = new Uint32Array(publishers)
  }

  /** False for what comes after a later one or twice. Behind a gap it goes on: the sum at the end tells the loss. */
  note(publisher: number, sequence: number): boolean {
    if (sequence < (this.due[publisher] ?? 0)) return false
    this.due[publisher] = sequence + 1
    return true
  }
}

/**
 * Of all members of a shared subscription together: each message comes to one of them, once, in whatever order. A message
 * that never comes holds its publisher's window closed.
 */
export class SharedArrivals implements Arrivals {
  readonly due: Uint32Array
  readonly #windowMessages: number
  /** By publisher and place in its window: 1 for what has come although an earlier one has not. */
  readonly #isHere: Uint8Array

  constructor(publishers: number, windowMessages: number) {
    this.due = new Uint32Array(publishers)
    this.#windowMessages = windowMessages
    this.#isHere = new Uint8Array(publishers * windowMessages)
  }

  /** False for what comes twice, or was never sent. */
  note(publisher: number, sequence: number): boolean {
    const window = this.#windowMessages
    const first = publisher * window
    let due = this.due[publisher] ?? 0
    const at = first + (sequence % window)
    if (sequence < due || sequence >= due + window || this.#isHere[at] === 1) return false
    this.#isHere[at] = 1
    for (let next = first + (due % window); this.#isHere[next] === 1; next = first + (due % window)) {
      this.#isHere[next] = 0
      due++
    }
    this.due[publisher] = due
    return true
  }
}
