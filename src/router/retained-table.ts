// Hot path: `put` runs per retained message; measured by `npm run bench`, rows "retained".
import { randomInt } from 'node:crypto'
import { Message } from '../protocol/message.ts'
import { publishFirstByte } from '../protocol/publish-packet.ts'
import { NameWalk } from '../topics/name-walk.ts'
import { type NameSource, SortedNames } from '../topics/sorted-names.ts'
import { hashName } from '../topics/topic-hash.ts'
import { type IndexedNames, TopicIndex } from '../topics/topic-index.ts'
import { ExpiryHeap } from './expiry-heap.ts'
import { RetainedLog } from './retained-log.ts'
import { type RetainedNumber, RetainedRecords } from './retained-records.ts'

/** More than the index is made for are found more slowly. */
const MAX_INDEXED = 2 ** 24

/** `terms` of a record: these, and from PUBLISHER_SHIFT on the bytes of the publisher's name. */
const VERSION5_FLAG = 1
const EXPIRY_FORWARDED_FLAG = 2
const PUBLISHER_FLAG = 4
/** It is among `#displaced`. */
const DISPLACED_FLAG = 8
const PUBLISHER_SHIFT = 4

/** The topic that is looked for: one at a time. */
const MAX_TOPIC_BYTES = 65_535
const NAME = Buffer.alloc(MAX_TOPIC_BYTES + 1)
const NAME_VIEW = new DataView(NAME.buffer, NAME.byteOffset, NAME.length)

/**
 * A message for each topic, as bytes: no object stands for one that nobody asks for. Nothing gives way to anything else, and an empty
 * table takes next to no memory.
 *
 *   1. `put`, `remove` and a look-up cost the same however many there are, but for a binary search where a topic is new or goes.
 *   2. A number stands for a topic from its `put` to its `remove`.
 *   3. A message that is asked for is a copy, which stays what it is.
 */
export class RetainedTable implements IndexedNames, NameSource {
  /** Of the packets. */
  packetsBytes = 0
  count = 0
  /** Where the name lies that was turned to last. */
  bytes: Buffer = NAME
  start = 0
  end = 0
  readonly #maxIndexed: number
  readonly #records = new RetainedRecords()
  readonly #log = new RetainedLog(this.#records)
  readonly #sorted = new SortedNames(this)
  readonly #expiring = new ExpiryHeap(this.#records)
  readonly #seed = randomInt(2 ** 31)
  #index: TopicIndex | undefined = undefined
  /** Topics for which there was no room in the index: those of an attacker, whose hashes are equal. */
  readonly #displaced = new Map<string, RetainedNumber>()
  #publisher = ''
  #publisherBytes: Buffer = Buffer.alloc(0)

  /** It works best with no more than `maxMessages`. */
  constructor(maxMessages: number) {
    this.#maxIndexed = Math.min(maxMessages, MAX_INDEXED)
  }

  /** Memory that it takes, with what is free or dead in it. */
  get heldBytes(): number {
    const ordered = this.#sorted.heldBytes + this.#expiring.heldBytes
    return this.#log.heldBytes + this.#records.heldBytes + ordered + (this.#index?.heldBytes ?? 0)
  }

  /** The number of a topic, or 0 if it has no message. */
  find(topic: string): RetainedNumber {
    if (this.count === 0 || topic.length > MAX_TOPIC_BYTES || Buffer.byteLength(topic) > MAX_TOPIC_BYTES) return 0
    const nameBytes = NAME.write(topic)
    return this.#find(hashName(NAME, NAME_VIEW, 0, nameBytes, this.#seed), nameBytes)
  }

  /** The number of the topic of a message, or 0. */
  findOf(message: Message): RetainedNumber {
    if (this.count === 0) return 0
    const nameBytes = message.copyTopic(NAME)
    return this.#find(hashName(NAME, NAME_VIEW, 0, nameBytes, this.#seed), nameBytes)
  }

  /** Keeps the message for its topic, which has the number `known`, or with 0 has none. It expires at this time, with 0 never. */
  put(message: Message, known: RetainedNumber, expiresAtMs: number): void {
    const records = this.#records
    const number = known === 0 ? records.take() : known
    const { packetBytes } = message
    this.packetsBytes += packetBytes - records.packetBytes(number)
    const publisher = this.#publisherOf(message)
    this.#log.place(number, packetBytes + publisher.length)
    const bytes = this.#log.bytes(number)
    const start = this.#log.start(number)
    message.bytes.copy(bytes, start, message.start, message.end)
    // The bytes are as the message came or was made; the QoS that counts is the message's.
    bytes[start] = publishFirstByte(message.qos, false, true)
    publisher.copy(bytes, start + packetBytes)
    const terms =
      (message.isVersion5 ? VERSION5_FLAG : 0) |
      (message.isExpiryForwarded ? EXPIRY_FORWARDED_FLAG : 0) |
      (message.publisher === undefined ? 0 : PUBLISHER_FLAG) |
      (records.terms(number) & DISPLACED_FLAG)
    records.setMessage(number, packetBytes, terms | (publisher.length << PUBLISHER_SHIFT))
    this.#expiring.set(number, expiresAtMs)
    if (known === 0) this.#enter(number)
  }

  /** Takes away the message of a topic that has one. */
  remove(number: RetainedNumber): void {
    const records = this.#records
    this.#sorted.remove(number)
    if ((records.terms(number) & DISPLACED_FLAG) === 0) this.#index?.remove(records.hash(number), number)
    else this.#displaced.delete(this.topic(number))
    this.#expiring.set(number, 0)
    this.packetsBytes -= records.packetBytes(number)
    this.count--
    this.#log.free(number)
    records.release(number)
  }

  packetBytes(number: RetainedNumber): number {
    return this.#records.packetBytes(number)
  }

  topic(number: RetainedNumber): string {
    this.turnTo(number)
    return this.bytes.toString('utf8', this.start, this.end)
  }

  /** A copy of a message. */
  message(number: RetainedNumber): Message {
    const packetBytes = this.#records.packetBytes(number)
    const terms = this.#records.terms(number)
    const bytes = this.#log.bytes(number)
    const start = this.#log.start(number)
    const end = start + packetBytes
    const publisher =
      (terms & PUBLISHER_FLAG) === 0 ? undefined : bytes.toString('utf8', end, end + (terms >>> PUBLISHER_SHIFT))
    const packet = Buffer.allocUnsafe(packetBytes)
    bytes.copy(packet, 0, start, end)
    const message = Message.restore(packet, 0, packetBytes, publisher, (terms & VERSION5_FLAG) !== 0)
    message.expiresAtMs = this.#records.expiresAtMs(number)
    message.isExpiryForwarded = (terms & EXPIRY_FORWARDED_FLAG) !== 0
    return message
  }

  /** Of the topics under a valid filter, from the first behind the topic `after` on: see `NameWalk.numbers`. */
  numbers(filter: string, after: string | undefined): Generator<RetainedNumber, void, undefined> {
    return new NameWalk(this.#sorted, this, filter).numbers(after)
  }

  /** The message that has expired by now and is still there, or 0. */
  firstExpired(nowMs: number): RetainedNumber {
    const { first } = this.#expiring
    return first !== 0 && this.#records.expiresAtMs(first) <= nowMs ? first : 0
  }

  turnTo(number: RetainedNumber): void {
    const bytes = this.#log.bytes(number)
    // Behind the first byte and the remaining length.
    let at = this.#log.start(number) + 1
    while ((bytes[at] ?? 0) >= 0x80) at++
    this.bytes = bytes
    this.start = at + 3
    this.end = this.start + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0))
  }

  isName(number: RetainedNumber, bytes: Uint8Array, _view: DataView, start: number, end: number): boolean {
    this.turnTo(number)
    if (this.end - this.start !== end - start) return false
    const own = this.bytes
    for (let at = this.start, i = start; i < end; i++, at++) if (own[at] !== bytes[i]) return false
    return true
  }

  displaced(number: RetainedNumber): void {
    const records = this.#records
    records.setMessage(number, records.packetBytes(number), records.terms(number) | DISPLACED_FLAG)
    this.#displaced.set(this.topic(number), number)
  }

  #find(hash: number, nameBytes: number): RetainedNumber {
    const number = this.#index?.find(hash, NAME, NAME_VIEW, 0, nameBytes) ?? 0
    if (number !== 0 || this.#displaced.size === 0) return number
    return this.#displaced.get(NAME.toString('utf8', 0, nameBytes)) ?? 0
  }

  #enter(number: RetainedNumber): void {
    this.turnTo(number)
    const nameBytes = this.bytes.copy(NAME, 0, this.start, this.end)
    const hash = hashName(NAME, NAME_VIEW, 0, nameBytes, this.#seed)
    this.#records.setHash(number, hash)
    this.#index ??= new TopicIndex(this.#maxIndexed, this)
    this.#index.add(hash, number)
    this.#sorted.add(number)
    this.count++
  }

  /** Most messages that come after another are of the same client. */
  #publisherOf({ publisher }: Message): Buffer {
    if (publisher === undefined) return NO_PUBLISHER
    if (publisher !== this.#publisher) {
      this.#publisher = publisher
      this.#publisherBytes = Buffer.from(publisher)
    }
    return this.#publisherBytes
  }
}

const NO_PUBLISHER = Buffer.alloc(0)
