// Hot path: `mayTake`, `take` and `give` run per message that has to wait; measured by `npm run bench`, rows "kept".

/** What the hub holds for others, by who holds it. Labels of metrics. */
export const MEMORY_PARTS = {
  topics: {
    holds: 'names, counts and last values of topics',
    whenShort: 'those that were silent longest are forgotten',
  },
  retained: {
    holds: 'retained messages',
    whenShort:
      'a message of MQTT 5 at QoS 1 or 2 is refused with 0x97, one by HTTP or of a program with PUBLISH_REFUSED; any other is delivered and not retained',
  },
  queues: {
    holds: 'messages that wait for clients or are not stored yet, as far as they are in memory',
    whenShort: 'the oldest or the newest message is dropped (limits.queuePolicy)',
  },
  connections: {
    holds: 'open connections',
    whenShort: 'CONNECT is refused with 0x97 or return code 3',
  },
  sessions: {
    holds: 'sessions, subscriptions, topic aliases and wills',
    whenShort:
      'CONNECT is refused with 0x97 or return code 3, unless the client has a session and its will takes at most 2 KiB; SUBSCRIBE with 0x97 or 0x80; a Topic Alias ends the connection with 0x97 if the client has over 2 KiB of them',
  },
  history: {
    holds: 'what the history knows of its topics, and what it has not stored yet',
    whenShort: 'messages of new topics are not recorded, or none are',
  },
  unfinished: {
    holds: 'packets that have not come whole, and bodies of HTTP requests',
    whenShort:
      'the connection ends with 0x97, or the request with 503, the largest first: four times what has come by then must be free; what is under 4 KiB is always let in',
  },
  outputs: {
    holds: 'what clients have not taken yet',
    whenShort: 'of a client that has not taken 16 KiB, QoS 0 is dropped, and other messages wait in its queue',
  },
} as const

export type MemoryPart = keyof typeof MEMORY_PARTS

/** Half of the memory is shared out as guarantees, the rest is for who comes first. */
const GUARANTEED_SHARE = 0.5
const TELL_EVERY_MS = 60_000

/** Is told that an account could not have what it asked for; each at most once a minute. */
export type TellRefusal = (account: MemoryAccount) => void

/** So much memory, shared by accounts of which each is sure of a part. */
export class Pool {
  readonly limitBytes: number
  readonly guaranteedBytes: number
  #usedBytes = 0
  /** What is guaranteed to somebody who does not use it now. */
  #reservedBytes: number

  constructor(limitBytes: number, accounts: number) {
    this.limitBytes = limitBytes
    this.guaranteedBytes = Math.floor((limitBytes * GUARANTEED_SHARE) / accounts)
    this.#reservedBytes = this.guaranteedBytes * accounts
  }

  /** Whether an account that has `ownBytes` may have so many more. */
  mayTake(ownBytes: number, bytes: number): boolean {
    const sureBytes = Math.max(0, this.guaranteedBytes - ownBytes)
    return bytes <= sureBytes || bytes - sureBytes <= this.limitBytes - this.#usedBytes - this.#reservedBytes
  }

  /** An account had `ownBytes` and has so many more, or less. */
  change(ownBytes: number, bytes: number): void {
    this.#usedBytes += bytes
    this.#reservedBytes +=
      Math.max(0, this.guaranteedBytes - ownBytes - bytes) - Math.max(0, this.guaranteedBytes - ownBytes)
  }
}

/**
 * What one part of the hub holds. It asks before it holds more, and says what it took and gave back; what lies on the JavaScript heap it
 * says besides, since that has a bound of its own.
 */
export class MemoryAccount {
  bytes = 0
  /** Of these, what lies on the JavaScript heap. */
  heapBytes = 0
  /** How often there was no memory for what it was to hold. */
  refused = 0
  readonly part: MemoryPart
  readonly #all: Pool
  readonly #heap: Pool
  readonly #tell: TellRefusal | undefined
  #toldAtMs = -TELL_EVERY_MS

  constructor(part: MemoryPart, all: Pool, heap: Pool, tell: TellRefusal | undefined) {
    this.part = part
    this.#all = all
    this.#heap = heap
    this.#tell = tell
  }

  /** Whether it may hold so many bytes more, `heapBytes` of them on the JavaScript heap. */
  mayTake(bytes: number, heapBytes: number): boolean {
    return this.#all.mayTake(this.bytes, bytes) && this.#heap.mayTake(this.heapBytes, heapBytes)
  }

  /** It holds so many bytes more: what is there already, or what was asked for. */
  take(bytes: number, heapBytes: number): void {
    this.#all.change(this.bytes, bytes)
    this.#heap.change(this.heapBytes, heapBytes)
    this.bytes += bytes
    this.heapBytes += heapBytes
  }

  give(bytes: number, heapBytes: number): void {
    this.take(-bytes, -heapBytes)
  }

  /** It holds so many bytes now. */
  set(bytes: number, heapBytes: number): void {
    this.take(bytes - this.bytes, heapBytes - this.heapBytes)
  }

  /** Counts what was refused or forgotten since there was no memory for it, and tells of it, though not of each. */
  refuse(count = 1): void {
    this.refused += count
    const nowMs = performance.now()
    if (nowMs - this.#toldAtMs < TELL_EVERY_MS) return
    this.#toldAtMs = nowMs
    this.#tell?.(this)
  }
}
