// Hot path: `topicOf` runs per PUBLISH of MQTT 5 with a Topic Alias; measured by `npm run bench`, rows "MQTT 5".
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import type { PublishPacket } from '../../protocol/publish-packet.ts'
import { ReasonCode } from '../../protocol/reason-codes.ts'

/** The Topic Aliases of one client; they last as long as its connection [MQTT5-3.3.2-7]. */
export class IncomingAliases {
  readonly #maximum: number
  #topics: (Buffer | undefined)[] | undefined = undefined

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * The topic that the packet names by its alias alone, or undefined when the topic stands in it: that is then the alias' own.
   * @throws MalformedPacketError
   */
  topicOf(bytes: Buffer, { properties, topicStart, topicEnd }: PublishPacket): Buffer | undefined {
    const { topicAlias } = properties
    // [MQTT5-3.3.2-9]
    if (topicAlias > this.#maximum) {
      const fault = `Topic Alias is ${topicAlias}, the most is ${this.#maximum}`
      throw new MalformedPacketError(fault, ReasonCode.TOPIC_ALIAS_INVALID)
    }
    if (topicEnd > topicStart) {
      this.#topics ??= []
      this.#topics[topicAlias] = Buffer.from(bytes.subarray(topicStart, topicEnd))
      return undefined
    }
    const topic = this.#topics?.[topicAlias]
    if (topic === undefined)
      throw new MalformedPacketError(`Topic Alias ${topicAlias} has no topic yet`, ReasonCode.PROTOCOL_ERROR)
    return topic
  }
}
