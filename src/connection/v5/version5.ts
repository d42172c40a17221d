// Hot path: runs per PUBLISH and acknowledgement of MQTT 5; measured by `npm run bench`, rows "MQTT 5".
import type { MemoryBudget } from '../../base/memory-budget.ts'
import { isUtf8 } from 'node:buffer'
import { encodeAcknowledgement } from '../../protocol/answer-packets.ts'
import type { Clock } from '../../base/clock.ts'
import type { Ledger } from '../../observe/ledger.ts'
import type { ConnectProperties } from '../../protocol/connect-packet.ts'
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import type { Message } from '../../protocol/message.ts'
import type { PublishPacket } from '../../protocol/publish-packet.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../../protocol/reason-codes.ts'
import { isShortest } from '../../protocol/varint.ts'
import type { Router, TopicNumber } from '../../router/router.ts'
import type { Session } from '../../session/session.ts'
import type { Terms } from '../../store/store.ts'
import { RESERVED_REASON } from '../../topics/reserved-topics.ts'
import { IncomingAliases } from './incoming-aliases.ts'
import { OutgoingProperties } from './outgoing-properties.ts'
import type { Output } from '../output.ts'
import type { PublishRate } from '../publish-rate.ts'

/** What a client of MQTT 5 is told when a message is refused: what happened and what to do. */
const REASONS: Readonly<Partial<Record<ReasonCode, string>>> = {
  [ReasonCode.NOT_AUTHORIZED]: `${RESERVED_REASON}; elsewhere the access rules say who may publish`,
  [ReasonCode.QUOTA_EXCEEDED]:
    'the hub cannot take the message now (store, retained messages or rate): try again later',
  [ReasonCode.PAYLOAD_FORMAT_INVALID]: 'the Payload Format Indicator says UTF-8 and the payload is not',
  [ReasonCode.PACKET_IDENTIFIER_NOT_FOUND]: 'no message is under way with this packet identifier',
  [ReasonCode.RECEIVE_MAXIMUM_EXCEEDED]:
    'more QoS 2 messages under way than the Receive Maximum of CONNACK allows (limits.receiveMaximum)',
}

export interface Version5Parts {
  readonly memory: MemoryBudget
  readonly clock: Clock
  readonly ledger: Ledger
  readonly router: Router
  /** The PUBLISH at hand. */
  readonly packet: PublishPacket
  readonly limits: {
    readonly receiveMaximum: number
    readonly maxTopicAliases: number
    readonly maxTopicAliasesSent: number
  }
}

/**
 * The standard of MQTT 3.1.1 does not ask for the shortest form, and old devices leave room for the longest.
 * @throws MalformedPacketError when the remaining length takes more bytes than it needs [MQTT5-1.5.5-1]
 */
export function checkRemainingLength(bytes: Buffer, start: number, bodyStart: number): void {
  if (!isShortest(bytes, start + 1, bodyStart))
    throw new MalformedPacketError('the remaining length is not in its shortest form')
}

/** What a connection does for a client of MQTT 5 and for no other: properties, aliases, reason codes, packet sizes. */
export class Version5 {
  readonly receiveMaximum: number
  readonly #parts: Version5Parts
  readonly #publishRate: PublishRate | undefined
  readonly #aliases: IncomingAliases
  /** The topic of the packet at hand when that names it by its alias alone. */
  #aliasedTopic: Buffer | undefined = undefined
  readonly #outgoing: OutgoingProperties
  readonly #maxPacketBytes: number
  readonly #wantsReasons: boolean

  constructor(asked: ConnectProperties, parts: Version5Parts, publishRate: PublishRate | undefined) {
    const { clock, limits, memory } = parts
    const { maxPacketBytes, topicAliasMaximum } = asked
    this.receiveMaximum = asked.receiveMaximum
    this.#parts = parts
    this.#publishRate = publishRate
    this.#aliases = new IncomingAliases(limits.maxTopicAliases, memory.sessions)
    // An alias that is new makes a packet longer: a client that reads short packets only gets none.
    const aliases = maxPacketBytes === Infinity ? Math.min(topicAliasMaximum, limits.maxTopicAliasesSent) : 0
    this.#outgoing = new OutgoingProperties(clock, aliases, memory.sessions)
    this.#maxPacketBytes = maxPacketBytes
    this.#wantsReasons = asked.wantsProblemInformation
  }

  /** The connection ends. */
  end(): void {
    this.#aliases.end()
    this.#outgoing.end()
  }

  /** Runs go to the client as they are. */
  get takesRuns(): boolean {
    return this.#maxPacketBytes === Infinity && this.#outgoing.takesRuns
  }

  fits(message: Message, terms: Terms): boolean {
    return this.#maxPacketBytes === Infinity || this.#outgoing.packetBytes(message, terms) <= this.#maxPacketBytes
  }

  /**
   * The number of the topic of a PUBLISH, which an alias may name; 0 when its topic name is not valid.
   * @throws MalformedPacketError
   */
  resolve(bytes: Buffer, packet: PublishPacket): TopicNumber {
    const { router } = this.#parts
    const { topicStart, topicEnd, payloadStart, end } = packet
    const topic = packet.properties.topicAlias === 0 ? undefined : this.#aliases.topicOf(bytes, packet)
    this.#aliasedTopic = topic
    if (topic !== undefined) return router.resolve(topic, 0, topic.length, end - payloadStart)
    // [MQTT5-3.3.2-8]
    if (topicStart === topicEnd)
      throw new MalformedPacketError('PUBLISH with neither topic nor Topic Alias', ReasonCode.PROTOCOL_ERROR)
    return router.resolve(bytes, topicStart, topicEnd, end - payloadStart)
  }

  /** Makes `message` stand for a PUBLISH as its receivers get it. Its topic was resolved last. */
  fill(message: Message, bytes: Buffer, packet: PublishPacket): void {
    const { properties, propertiesStart, payloadStart, end, qos, isRetained } = packet
    const { expirySeconds, isForwardable, receipt } = properties
    if (isForwardable) {
      message.setPacket(bytes, packet)
    } else {
      // Alias and expiry are not for the receivers: the packet is made anew without them.
      const forwarded = properties.forwarded(bytes, propertiesStart, payloadStart)
      const topicBytes = this.#aliasedTopic ?? bytes.subarray(packet.topicStart, packet.topicEnd)
      message.setFields(undefined, topicBytes, forwarded, bytes.subarray(payloadStart, end), qos, isRetained)
    }
    message.receipt = receipt
    if (expirySeconds === undefined) return
    message.expiresAtMs = this.#parts.clock.turnLifetimeMs + expirySeconds * 1000
    message.isExpiryForwarded = true
  }

  /**
   * Whether the hub takes a PUBLISH. One that it does not take is answered with the reason.
   * @throws MalformedPacketError when the connection has to end for it
   */
  takes(session: Session, message: Message, packetId: number): boolean {
    const refusal = this.#refusalOf(session, message, packetId)
    if (refusal === ReasonCode.SUCCESS) return true
    if (message.qos === 0 || refusal === ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
      throw new MalformedPacketError(REASONS[refusal] ?? 'PUBLISH was refused', refusal)
    session.incoming.refuse(message, packetId, refusal)
    return false
  }

  send(output: Output, message: Message, terms: Terms, packetId: number, isDuplicate: boolean): void {
    const { qos, isRetained } = terms
    const outgoing = this.#outgoing
    if (outgoing.areNeeded(message, terms)) {
      const lead = outgoing.lead(message, terms)
      output.publishWith(lead, outgoing.topicFor(message), message, qos, packetId, isDuplicate, isRetained)
    } else {
      output.publish(message, qos, packetId, isDuplicate, isRetained)
    }
  }

  /** Sends an acknowledgement that has more to say than that all is well. */
  explain(output: Output, firstByte: number, packetId: number, reasonCode: ReasonCode): void {
    const reason = this.#wantsReasons && reasonCode >= FIRST_FAILURE_CODE ? REASONS[reasonCode] : undefined
    const packet = encodeAcknowledgement(firstByte, packetId, reasonCode, reason)
    const isTooLarge = packet.length > this.#maxPacketBytes // [MQTT5-3.4.2-2]
    output.packet(isTooLarge ? encodeAcknowledgement(firstByte, packetId, reasonCode, undefined) : packet)
  }

  /** Why a PUBLISH is not taken; 0 when it is. */
  #refusalOf(session: Session, message: Message, packetId: number): ReasonCode {
    const { ledger, limits, packet } = this.#parts
    // The payload is what the Payload Format Indicator says [MQTT5 §3.3.2.3.2].
    if (packet.properties.isText && !isUtf8(message.payload)) return ReasonCode.PAYLOAD_FORMAT_INVALID
    if (message.qos === 2 && session.incoming.isOverMaximum(packetId, limits.receiveMaximum)) {
      ledger.hit('receive-maximum')
      return ReasonCode.RECEIVE_MAXIMUM_EXCEEDED // [MQTT5-3.3.4-7]
    }
    if (message.qos > 0 && this.#publishRate?.isOverdrawn === true) {
      ledger.hit('publish-rate')
      this.#publishRate.giveBack()
      return ReasonCode.QUOTA_EXCEEDED
    }
    return ReasonCode.SUCCESS
  }
}
