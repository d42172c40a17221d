// Hot path: `lead` runs per PUBLISH to a client of MQTT 5 that has identifiers, aliases or an expiry; `npm run bench`, rows "MQTT 5".
import type { MemoryAccount } from '../../base/memory-account.ts'
import type { Clock } from '../../base/clock.ts'
import type { Message } from '../../protocol/message.ts'
import { PropertyId } from '../../protocol/properties.ts'
import { publishBytes } from '../../protocol/publish-packet.ts'
import { varintBytes, writeVarint } from '../../protocol/varint.ts'
import type { Terms } from '../../store/store.ts'

const NOTHING = Buffer.alloc(0)
const MAX_IDENTIFIER_BYTES = 5
const FIXED_BYTES = 8
/** What an alias takes besides its topic. */
const ALIAS_BYTES = 120

/**
 * The properties that differ from one receiver to another: what is left of the expiry, Subscription Identifiers, and the Topic
 * Alias, of which the client allows so many. The first topics get one each, for as long as the connection lives.
 */
export class OutgoingProperties {
  readonly #clock: Clock
  readonly #topicAliasMaximum: number
  readonly #aliases = new Map<string, number>()
  readonly #memory: MemoryAccount
  #heldBytes = 0
  #scratch = Buffer.alloc(64)
  #used = 0
  #isTopicKnown = false

  /** The topics that have an alias count for `memory`. */
  constructor(clock: Clock, topicAliasMaximum: number, memory: MemoryAccount) {
    this.#memory = memory
    this.#clock = clock
    this.#topicAliasMaximum = topicAliasMaximum
  }

  /** Nothing but identifiers and expiries ever makes a packet differ from that of others. */
  get takesRuns(): boolean {
    return this.#topicAliasMaximum === 0
  }

  /** Whether a message needs any of them. */
  areNeeded(message: Message, terms: Terms): boolean {
    return this.#topicAliasMaximum > 0 || terms.identifiers.length > 0 || message.isExpiryForwarded
  }

  /** The properties, as a view that the next call changes. `topicFor` then says what stands for the topic. */
  lead(message: Message, terms: Terms): Buffer {
    this.#used = 0
    const { identifiers } = terms
    const room = FIXED_BYTES + identifiers.length * MAX_IDENTIFIER_BYTES
    if (this.#scratch.length < room) this.#scratch = Buffer.alloc(room)
    const target = this.#scratch
    if (message.isExpiryForwarded) {
      // [MQTT5-3.3.2-6]
      const leftSeconds = Math.max(0, Math.ceil((message.expiresAtMs - this.#clock.lifetimeMs()) / 1000))
      target[this.#used] = PropertyId.MESSAGE_EXPIRY_INTERVAL
      this.#used = target.writeUInt32BE(Math.min(leftSeconds, 0xffff_ffff), this.#used + 1)
    }
    for (let i = 0; i < identifiers.length; i++) {
      target[this.#used] = PropertyId.SUBSCRIPTION_IDENTIFIER
      this.#used = writeVarint(target, this.#used + 1, identifiers[i] ?? 0)
    }
    this.#isTopicKnown = false
    if (this.#topicAliasMaximum > 0) this.#writeAlias(target, message.topic)
    return target.subarray(0, this.#used)
  }

  /** The connection ends. */
  end(): void {
    this.#memory.give(this.#heldBytes, this.#heldBytes)
    this.#heldBytes = 0
    this.#aliases.clear()
  }

  /** What stands for the topic beside the properties of the last `lead`: nothing when the client knows its alias. */
  topicFor(message: Message): Buffer {
    return this.#isTopicKnown ? NOTHING : message.topicBytes
  }

  /** Length of the whole packet without a Topic Alias. */
  packetBytes(message: Message, terms: Terms): number {
    let bytes = message.payloadStart - message.propertiesStart
    if (message.isExpiryForwarded) bytes += 5
    const { identifiers } = terms
    for (let i = 0; i < identifiers.length; i++) bytes += 1 + varintBytes(identifiers[i] ?? 0)
    return publishBytes(message.topicBytes.length, terms.qos > 0, bytes, message.payloadBytes)
  }

  #writeAlias(target: Buffer, topic: string): void {
    let alias = this.#aliases.get(topic)
    this.#isTopicKnown = alias !== undefined
    if (alias === undefined) {
      const bytes = 2 * topic.length + ALIAS_BYTES
      if (this.#aliases.size >= this.#topicAliasMaximum || !this.#memory.mayTake(bytes, bytes)) return
      this.#memory.take(bytes, bytes)
      this.#heldBytes += bytes
      alias = this.#aliases.size + 1
      this.#aliases.set(topic, alias)
    }
    target[this.#used] = PropertyId.TOPIC_ALIAS
    this.#used = target.writeUInt16BE(alias, this.#used + 1)
  }
}
