// Hot path: `topicOf` runs per PUBLISH of MQTT 5 with a Topic Alias; measured by `npm run bench`, rows "MQTT 5".
import type { MemoryAccount } from '../../base/memory-account.ts'
import { MalformedPacketError, NoMemoryError } from '../../protocol/field-reader.ts'
import type { PublishPacket } from '../../protocol/publish-packet.ts'
import { ReasonCode } from '../../protocol/reason-codes.ts'

/** What an alias takes besides its topic. */
const ALIAS_BYTES = 120
/** So much every client may have, whatever memory there is. */
const SURE_BYTES = 2048

/** The Topic Aliases of one client; they last as long as its connection [MQTT5-3.3.2-7]. */
export class IncomingAliases {
  readonly #maximum: number
  readonly #memory: MemoryAccount
  #heldBytes = 0
  #topics: (Buffer | undefined)[] | undefined = undefined

  /** The topics count for `memory`. */
  constructor(maximum: number, memory: MemoryAccount) {
    this.#maximum = maximum
    this.#memory = memory
  }

  /**
   * The topic that the packet names by its alias alone, or undefined when the topic stands in it: that is then the alias' own.
   * @throws MalformedPacketError
   */
  topicOf(bytes: Buffer, { properties, topicStart, topicEnd }: PublishPacket): Buffer | undefined {
    const { topicAlias } = properties
    // [MQTT5-3.3.2-9]
    if (topicAlias > this.#maximum) {
      const fault = `Topic Alias is ${topicAlias}, the most is ${this.#maximum} (limits.maxTopicAliases)`
      throw new MalformedPacketError(fault, ReasonCode.TOPIC_ALIAS_INVALID)
    }
    if (topicEnd > topicStart) {
      this.#topics ??= []
      this.#hold(topicEnd - topicStart + ALIAS_BYTES - bytesOf(this.#topics[topicAlias]))
      this.#topics[topicAlias] = Buffer.from(bytes.subarray(topicStart, topicEnd))
      return undefined
    }
    const topic = this.#topics?.[topicAlias]
    if (topic === undefined)
      throw new MalformedPacketError(`Topic Alias ${topicAlias} has no topic yet`, ReasonCode.PROTOCOL_ERROR)
    return topic
  }

  /** The connection ends. */
  end(): void {
    this.#memory.give(this.#heldBytes, 0)
    this.#heldBytes = 0
    this.#topics = undefined
  }

  /** Holds so many bytes more, or less. @throws MalformedPacketError when there is no memory for them */
  #hold(bytes: number): void {
    if (bytes > 0 && this.#heldBytes + bytes > SURE_BYTES && !this.#memory.mayTake(bytes, 0)) {
      this.#memory.refuse()
      throw new NoMemoryError('more Topic Aliases')
    }
    this.#memory.take(bytes, 0)
    this.#heldBytes += bytes
  }
}

function bytesOf(topic: Buffer | undefined): number {
  return topic === undefined ? 0 : topic.length + ALIAS_BYTES
}
