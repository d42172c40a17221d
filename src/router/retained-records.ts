// Hot path: a record is read and written per retained message; measured by `npm run bench`, rows "retained".

/** A retained message by its record. Of no use once the message is removed. */
export type RetainedNumber = number

/** Integers of a record: 32 bytes. The first two are the time at which the message expires, in ms; 0 is never. */
const FIELDS = 8
const FIELD_BITS = 3
const HASH = 2
const SEGMENT = 3
const AT = 4
const PACKET_BYTES = 5
const TERMS = 6
const EXPIRY_PLACE = 7

/** Records that are allocated together: 32 KiB. */
const PAGE_BITS = 10
const PAGE_RECORDS = 1 << PAGE_BITS
const PAGE_MASK = PAGE_RECORDS - 1

/** Where the message of a record is that has none. */
const NOWHERE = -1

/** A page of records, and its numbers with a fraction. */
interface Page {
  readonly fields: Int32Array
  readonly floats: Float64Array
}

/**
 * What is known of each retained message beside its bytes, in pages of typed arrays: nothing for the garbage collector to walk, and no
 * memory before it is needed.
 */
export class RetainedRecords {
  readonly #pages: Page[] = []
  /** The first free record below `#next`; the others follow by AT. */
  #free = 0
  /** Number 0 is that of no message. */
  #next = 1

  /** Memory that they take. */
  get heldBytes(): number {
    return this.#pages.length * PAGE_RECORDS * FIELDS * 4
  }

  /** A record in which nothing is set. */
  take(): RetainedNumber {
    let number = this.#free
    if (number === 0) {
      number = this.#next++
      if (number >> PAGE_BITS === this.#pages.length) this.#pages.push(newPage())
    } else {
      this.#free = this.at(number)
    }
    const { fields } = this.#pageOf(number)
    const first = (number & PAGE_MASK) << FIELD_BITS
    fields.fill(0, first, first + FIELDS)
    fields[first + SEGMENT] = NOWHERE
    return number
  }

  release(number: RetainedNumber): void {
    this.#set(number, SEGMENT, NOWHERE)
    this.#set(number, AT, this.#free)
    this.#free = number
  }

  hash(number: RetainedNumber): number {
    return this.#get(number, HASH)
  }

  setHash(number: RetainedNumber, hash: number): void {
    this.#set(number, HASH, hash)
  }

  /** The segment that has the message, below 0 if none has. */
  segment(number: RetainedNumber): number {
    return this.#get(number, SEGMENT)
  }

  /** Where in the segment. */
  at(number: RetainedNumber): number {
    return this.#get(number, AT)
  }

  moveTo(number: RetainedNumber, segment: number, at: number): void {
    this.#set(number, SEGMENT, segment)
    this.#set(number, AT, at)
  }

  packetBytes(number: RetainedNumber): number {
    return this.#get(number, PACKET_BYTES)
  }

  /** Flags of the message and what else its table keeps with it in 32 bits. */
  terms(number: RetainedNumber): number {
    return this.#get(number, TERMS)
  }

  setMessage(number: RetainedNumber, packetBytes: number, terms: number): void {
    this.#set(number, PACKET_BYTES, packetBytes)
    this.#set(number, TERMS, terms)
  }

  expiresAtMs(number: RetainedNumber): number {
    return this.#pageOf(number).floats[(number & PAGE_MASK) << (FIELD_BITS - 1)] ?? 0
  }

  setExpiresAtMs(number: RetainedNumber, atMs: number): void {
    this.#pageOf(number).floats[(number & PAGE_MASK) << (FIELD_BITS - 1)] = atMs
  }

  /** Its place among those that expire; 0 if it does not. */
  expiryPlace(number: RetainedNumber): number {
    return this.#get(number, EXPIRY_PLACE)
  }

  setExpiryPlace(number: RetainedNumber, place: number): void {
    this.#set(number, EXPIRY_PLACE, place)
  }

  #pageOf(number: RetainedNumber): Page {
    return this.#pages[number >> PAGE_BITS] ?? NO_PAGE
  }

  #get(number: RetainedNumber, field: number): number {
    return this.#pageOf(number).fields[((number & PAGE_MASK) << FIELD_BITS) + field] ?? 0
  }

  #set(number: RetainedNumber, field: number, value: number): void {
    this.#pageOf(number).fields[((number & PAGE_MASK) << FIELD_BITS) + field] = value
  }
}

const NO_PAGE: Page = { fields: new Int32Array(0), floats: new Float64Array(0) }

function newPage(): Page {
  const fields = new Int32Array(PAGE_RECORDS * FIELDS)
  return { fields, floats: new Float64Array(fields.buffer) }
}
