// Hot path: `read` runs per PUBLISH of MQTT 5; measured by `npm run bench`, rows "MQTT 5".
import { isUtf8 } from 'node:buffer'
import type { Clock } from '../../base/clock.ts'
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import { encodePublish, type Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import { PublishProperties } from '../../protocol/publish-properties.ts'
import { ReasonCode } from '../../protocol/reason-codes.ts'
import { readVarint, varintBytes, varintEnd } from '../../protocol/varint.ts'
import type { Route, Router } from '../../router/router.ts'

/** One for all connections, as packets are read one at a time. */
const PROPERTIES = new PublishProperties()

/**
 * Reads the PUBLISH packets of one client of MQTT 5. What was read is in the fields until the next call; the Topic Aliases of
 * the client last as long as its connection [MQTT5-3.3.2-7].
 */
export class IncomingPublish5 {
  packetId = 0
  payloadStart = 0
  propertiesStart = 0
  route: Route | undefined = undefined
  readonly #router: Router
  readonly #clock: Clock
  readonly #topicAliasMaximum: number
  #aliases: (Buffer | undefined)[] | undefined = undefined
  /** The topic that an alias stands for, when the packet has none of its own. */
  #aliasedTopic: Buffer | undefined = undefined

  constructor(router: Router, clock: Clock, topicAliasMaximum: number) {
    this.#router = router
    this.#clock = clock
    this.#topicAliasMaximum = topicAliasMaximum
  }

  /** The bytes of the packet can go on to receivers as they came, and so can others with the same header. */
  get isPlain(): boolean {
    const { isForwardable, isText, receipt } = PROPERTIES
    return this.#aliasedTopic === undefined && isForwardable && !isText && receipt === undefined
  }

  /**
   * Reads the header of a packet; `route` is undefined when its topic name is not valid.
   * @throws MalformedPacketError
   */
  read(qos: QoS, bytes: Buffer, bodyStart: number, end: number): void {
    const topicStart = bodyStart + 2
    const topicEnd = topicStart + (((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0))
    const lengthAt = qos === 0 ? topicEnd : topicEnd + 2
    if (topicStart > end || lengthAt >= end) throw new MalformedPacketError('PUBLISH ends inside its header')
    this.packetId = qos === 0 ? 0 : ((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0)
    // [MQTT5-2.2.1-3]
    if (qos !== 0 && this.packetId === 0)
      throw new MalformedPacketError('PUBLISH with packet identifier 0', ReasonCode.PROTOCOL_ERROR)
    const propertiesBytes = readVarint(bytes, lengthAt)
    this.propertiesStart = varintEnd(bytes, lengthAt, end)
    this.payloadStart = this.propertiesStart + propertiesBytes
    if (this.payloadStart > end || this.propertiesStart - lengthAt !== varintBytes(propertiesBytes)) {
      throw new MalformedPacketError('the property length of PUBLISH is wrong')
    }
    PROPERTIES.read(bytes, this.propertiesStart, this.payloadStart)
    this.#aliasedTopic = undefined
    const { topicAlias } = PROPERTIES
    if (topicAlias !== 0) {
      this.#resolveAlias(topicAlias, bytes, topicStart, topicEnd)
    } else {
      // [MQTT5-3.3.2-8]
      if (topicStart === topicEnd)
        throw new MalformedPacketError('PUBLISH with neither topic nor Topic Alias', ReasonCode.PROTOCOL_ERROR)
      this.route = this.#router.resolve(bytes, topicStart, topicEnd)
    }
  }

  /** Makes `message` stand for the packet that was read, which has the given flags. */
  fill(message: Message, route: Route, qos: QoS, retain: boolean, bytes: Buffer, start: number, end: number): void {
    if (PROPERTIES.isForwardable) {
      message.set(route.topic, qos, retain, bytes, start, this.payloadStart, end)
      message.setProperties(this.propertiesStart)
      message.receipt = PROPERTIES.receipt
      return
    }
    // Alias and expiry are not for the receivers: the packet is made anew without them.
    const properties = PROPERTIES.forwarded(bytes, this.propertiesStart, this.payloadStart)
    const topic = this.#aliasedTopic ?? Buffer.from(route.topic)
    const packet = encodePublish(topic, properties, bytes.subarray(this.payloadStart, end), qos > 0)
    const payloadStart = packet.length - end + this.payloadStart
    message.set(route.topic, qos, retain, packet, 0, payloadStart, packet.length)
    message.setProperties(payloadStart - properties.length)
    message.receipt = PROPERTIES.receipt
    const { expirySeconds } = PROPERTIES
    if (expirySeconds === undefined) return
    message.expiresAtMs = this.#clock.nowMs() + expirySeconds * 1000
    message.isExpiryForwarded = true
  }

  /** The payload is what the Payload Format Indicator says [MQTT5 §3.3.2.3.2]. */
  hasValidPayload(bytes: Buffer, end: number): boolean {
    return !PROPERTIES.isText || isUtf8(bytes.subarray(this.payloadStart, end))
  }

  #resolveAlias(alias: number, bytes: Buffer, topicStart: number, topicEnd: number): void {
    // [MQTT5-3.3.2-9]
    if (alias > this.#topicAliasMaximum) {
      const fault = `Topic Alias is ${alias}, the most is ${this.#topicAliasMaximum}`
      throw new MalformedPacketError(fault, ReasonCode.TOPIC_ALIAS_INVALID)
    }
    if (topicEnd > topicStart) {
      this.route = this.#router.resolve(bytes, topicStart, topicEnd)
      if (this.route === undefined) return
      this.#aliases ??= []
      this.#aliases[alias] = Buffer.from(bytes.subarray(topicStart, topicEnd))
      return
    }
    const topic = this.#aliases?.[alias]
    if (topic === undefined)
      throw new MalformedPacketError(`Topic Alias ${alias} has no topic yet`, ReasonCode.PROTOCOL_ERROR)
    this.#aliasedTopic = topic
    this.route = this.#router.resolve(topic, 0, topic.length)
  }
}
