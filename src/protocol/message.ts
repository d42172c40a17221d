// Hot path: one call or more per PUBLISH and subscriber; measured by `npm run bench`, rows "QoS 0" to "QoS 2".
import { Block, type Blocks } from './blocks.ts'
import { hashContent } from './content-hash.ts'
import type { QoS } from './packet-types.ts'
import { encodePublish, PublishPacket } from './publish-packet.ts'
import { readVarint, varintBytes, varintEnd } from './varint.ts'

const EMPTY = Buffer.alloc(0)
const NO_BLOCKS: readonly Block[] = []

/** For what was checked when it came: what is read from a store, and the packets of a run. One at a time. */
const KEPT = new PublishPacket()

/**
 * An application message on its way through the hub, held as the bytes of a PUBLISH packet.
 *
 *   1. A message that came from a socket is a view of memory that others are read into, and its object is used again for the
 *      next one: whoever needs it after the call returns takes `keep()`.
 *   2. A kept message never changes.
 *   3. It may stand for a run: packets at QoS 0 that lie behind each other (`count` over 1), of one topic or, when it `isMixed`, of
 *      several. Only those take a run who pass on bytes; to all others it is given packet by packet (`takeFromRun`).
 *   4. A PUBLISH has four shapes: with or without a packet identifier, with the properties of MQTT 5 or without. One is how
 *      the message came, another is made when it is first asked for; each serves all subscribers, who write their own flags
 *      and identifier into their copy.
 *   5. Properties in `bytes` are those that every receiver gets unaltered. What differs by receiver or by the time is not
 *      among them: Topic Alias, Subscription Identifier, Message Expiry Interval (`expiresAtMs`).
 */
export class Message {
  qos: QoS = 0
  retain = false
  /** The client it came from, or undefined for the hub itself. */
  publisher: string | undefined = undefined
  /** When it is no longer worth delivering, in ms since 1970 by the hub's clock; 0 is never. */
  expiresAtMs = 0
  /** The publisher set the expiry, so that receivers are told what is left of it [MQTT5-3.3.2-6]. */
  isExpiryForwarded = false
  /** The id by which the publisher wants receipts (the User Property `receipt`). */
  receipt: string | undefined = undefined
  /** Places in memory where it waits, of a kept message. @internal */
  holders = 0
  /** Where a store has its body: the store's own number. */
  body = 0

  /** The packet is `bytes[start, end)`, its properties `[propertiesStart, payloadStart)`, its payload `[payloadStart, end)`. */
  bytes: Buffer = EMPTY
  start = 0
  propertiesStart = 0
  payloadStart = 0
  end = 0
  /** Where the payload of the last packet begins: `payloadStart`, but for a run. */
  lastPayloadStart = 0
  /** `bytes` is a packet of MQTT 5: there is a property length before `propertiesStart`. */
  isVersion5 = false
  /** Packets in `bytes[start, end)`. In a run, `propertiesStart` and `payloadStart` are those of the first. */
  count = 1
  /** The packets of the run have headers of their own; what is said here of topic and header is that of the first. */
  isMixed = false
  /** Where the packet begins in the block that `lend` gave last. @internal */
  lentStart = 0
  /** Undefined until it is asked for: most messages go through the hub as bytes. */
  #topic: string | undefined = ''
  #shapes: (Buffer | undefined)[] | undefined = undefined
  #kept: Message | undefined = undefined
  #lent: Block | undefined = undefined
  /** What `lendLasting` gave of `bytes` and of shapes. */
  #lentLasting: Block[] | undefined = undefined
  /** `bytes` were made for this message and do not change. */
  #isOwn = false

  /**
   * Makes this object stand for the packet of 3.1.1 at `bytes[start, end)`. Keeps the buffer, not a copy of it. Without a `topic`,
   * that is read from the packet when it is asked for.
   */
  set(
    topic: string | undefined,
    qos: QoS,
    retain: boolean,
    bytes: Buffer,
    start: number,
    payloadStart: number,
    end: number,
  ): void {
    this.#topic = topic
    this.qos = qos
    this.retain = retain
    this.bytes = bytes
    this.start = start
    this.propertiesStart = payloadStart
    this.payloadStart = payloadStart
    this.end = end
    this.lastPayloadStart = payloadStart
    this.receipt = undefined
    this.isVersion5 = false
    this.count = 1
    this.isMixed = false
    this.expiresAtMs = 0
    this.isExpiryForwarded = false
    this.#shapes = undefined
    this.#kept = undefined
    this.#lent = undefined
    this.#lentLasting = undefined
    this.#isOwn = false
  }

  /** After `set`: the packet is one of MQTT 5, with its properties, which must be fit for every receiver, from here on. */
  setProperties(propertiesStart: number): void {
    this.isVersion5 = true
    this.propertiesStart = propertiesStart
  }

  /** Makes this object stand for a packet that was read from `bytes`. Keeps the buffer, not a copy of it. @internal */
  setPacket(bytes: Buffer, packet: PublishPacket): void {
    this.set(undefined, packet.qos, packet.isRetained, bytes, packet.start, packet.payloadStart, packet.end)
    if (packet.isVersion5) this.setProperties(packet.propertiesStart)
  }

  /** Makes this object stand for a packet of its own, one of MQTT 5 if it is given properties; all is copied. */
  setFields(
    topic: string | undefined,
    topicBytes: Buffer,
    properties: Buffer | undefined,
    payload: Buffer,
    qos: QoS,
    retain: boolean,
  ): void {
    const bytes = encodePublish(topicBytes, properties, payload, qos > 0)
    const payloadStart = bytes.length - payload.length
    this.set(topic, qos, retain, bytes, 0, payloadStart, bytes.length)
    if (properties !== undefined) this.setProperties(payloadStart - properties.length)
    this.#isOwn = true
  }

  /** Makes this object stand for the run of one topic that `part` is, to which others are to be added. @internal */
  beginMixed(part: Message): void {
    this.set(undefined, 0, false, part.bytes, part.start, part.payloadStart, part.end)
    if (part.isVersion5) this.setProperties(part.propertiesStart)
    this.publisher = part.publisher
    this.count = part.count
    this.isMixed = true
  }

  /** Adds a run of one topic that lies right behind. @internal */
  extendMixed(part: Message): void {
    this.end = part.end
    this.lastPayloadStart = part.lastPayloadStart
    this.count += part.count
  }

  /** Makes this object stand for the packet of `run` that begins at `at`; returns the offset behind it. */
  takeFromRun(run: Message, at: number): number {
    const { bytes } = run
    const bodyStart = fieldStart(bytes, at)
    const end = bodyStart + readVarint(bytes, at + 1)
    if (run.isMixed) {
      KEPT.readKept(bytes, at, end, run.isVersion5)
      this.setPacket(bytes, KEPT)
      this.publisher = run.publisher
      return end
    }
    // All packets of another run have the same header behind the remaining length.
    const first = fieldStart(run.bytes, run.start)
    this.set(run.#topic, 0, false, bytes, at, bodyStart + run.payloadStart - first, end)
    if (run.isVersion5) this.setProperties(bodyStart + run.propertiesStart - first)
    this.publisher = run.publisher
    return end
  }

  /**
   * Builds a kept message. `topic` must be a valid topic name, `properties` those of MQTT 5 that every receiver gets, without
   * their length; `payload` is copied.
   */
  static create(
    topic: string,
    payload: Buffer,
    qos: QoS,
    retain: boolean,
    publisher: string | undefined,
    properties: Buffer = EMPTY,
  ): Message {
    const message = new Message()
    const ownProperties = properties.length > 0 ? properties : undefined
    message.setFields(topic, Buffer.from(topic), ownProperties, payload, qos, retain)
    message.publisher = publisher
    message.#kept = message
    return message
  }

  /**
   * A kept message that is the packet `bytes[start, end)`, as a store gives it back. Keeps the buffer.
   * @throws MalformedPacketError when that is no PUBLISH packet
   */
  static restore(
    bytes: Buffer,
    start: number,
    end: number,
    publisher: string | undefined,
    isVersion5: boolean,
  ): Message {
    KEPT.readKept(bytes, start, end, isVersion5)
    const message = new Message()
    message.setPacket(bytes, KEPT)
    message.publisher = publisher
    message.#kept = message
    return message
  }

  get topic(): string {
    return (this.#topic ??= this.topicBytes.toString())
  }

  get payloadBytes(): number {
    return this.end - this.payloadStart
  }

  /** A view of the payload, valid as long as the message is. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.end)
  }

  /** Length of the packet, as the limits and the ledger count it. */
  get packetBytes(): number {
    return this.end - this.start
  }

  /** True when `bytes` is the shape without a packet identifier. */
  get isWithoutPacketId(): boolean {
    return this.qos === 0
  }

  /** The same message for as long as it is needed; all who ask share one copy. */
  keep(): Message {
    return (this.#kept ??= this.#copy(Buffer.allocUnsafe(this.packetBytes), this.retain))
  }

  /** The same run, or message, for as long as it is needed. @internal */
  keepWhole(): Message {
    if (this.count === 1) return this.keep()
    const run = this.#copy(Buffer.allocUnsafe(this.packetBytes), false)
    run.count = this.count
    run.lastPayloadStart = this.lastPayloadStart - this.start
    return run
  }

  /** The same message in bytes that never change, if it has such: itself, or the copy that somebody has asked to keep. @internal */
  get lasting(): Message | undefined {
    return this.#isOwn ? this : this.#kept
  }

  /**
   * A block with the packet, for a message that is not `lasting`. All who ask share it; each has to release it. Where the packet lies
   * in a block already, that is not copied. @internal
   */
  lend(blocks: Blocks): Block {
    if (this.#lent !== undefined) {
      this.#lent.uses++
      return this.#lent
    }
    const { framed } = blocks
    if (framed !== undefined && framed.bytes === this.bytes) {
      framed.uses++
      this.lentStart = this.start
      this.#lent = framed
    } else {
      this.#lent = blocks.take(this.packetBytes)
      this.lentStart = 0
      this.bytes.copy(this.#lent.bytes, 0, this.start, this.end)
    }
    return this.#lent
  }

  /**
   * A block that stands for `bytes`, or a shape: bytes that never change. All who ask share it, so that they count once; each has to
   * release it. @internal
   */
  lendLasting(bytes: Buffer): Block {
    const before = this.#lentLasting ?? NO_BLOCKS
    for (let i = 0; i < before.length; i++) {
      const block = before[i]
      if (block?.bytes !== bytes) continue
      block.uses++
      return block
    }
    const block = new Block(bytes, false)
    if (bytes === this.bytes || this.#keepsShapes) {
      this.#lentLasting ??= []
      this.#lentLasting.push(block)
    }
    return block
  }

  /**
   * A kept message of its own for the retained messages: with RETAIN set, and in a buffer of its own, since one that lives
   * for years must not keep the slab alive that `keep()` shares with its neighbours in time.
   */
  keepRetained(): Message {
    return this.#retained(Buffer.allocUnsafeSlow(this.packetBytes))
  }

  /** The same for a short time: in the slab of its neighbours. @internal */
  keepRetainedBriefly(): Message {
    return this.#retained(Buffer.allocUnsafe(this.packetBytes))
  }

  /** What the property length and the properties take in a packet of MQTT 5. */
  get propertyFieldBytes(): number {
    const propertiesBytes = this.payloadStart - this.propertiesStart
    return varintBytes(propertiesBytes) + propertiesBytes
  }

  /**
   * The packet, or for a run all of them, in a shape that `bytes` has not. Flags and packet identifier are the writer's to
   * set.
   */
  shape(isVersion5: boolean, hasPacketId: boolean): Buffer {
    const index = (isVersion5 ? 2 : 0) + (hasPacketId ? 1 : 0)
    const before = this.#shapes?.[index]
    if (before !== undefined) return before
    const shape = this.count === 1 ? this.#encode(isVersion5, hasPacketId) : this.#encodeRun(isVersion5)
    if (this.#keepsShapes) {
      this.#shapes ??= []
      this.#shapes[index] = shape
    }
    return shape
  }

  /** A retained message would hold them for years, for the one subscriber that asked. */
  get #keepsShapes(): boolean {
    return this.#kept !== this || !this.retain
  }

  #encode(isVersion5: boolean, hasPacketId: boolean): Buffer {
    const { bytes } = this
    const properties = isVersion5 ? bytes.subarray(this.propertiesStart, this.payloadStart) : undefined
    return encodePublish(this.topicBytes, properties, bytes.subarray(this.payloadStart, this.end), hasPacketId)
  }

  #encodeRun(isVersion5: boolean): Buffer {
    const single = new Message()
    const packets: Buffer[] = []
    for (let at = this.start; at < this.end;) {
      at = single.takeFromRun(this, at)
      packets.push(single.#encode(isVersion5, false))
    }
    return Buffer.concat(packets)
  }

  #retained(bytes: Buffer): Message {
    const kept = this.#copy(bytes, true)
    // The hub's limit on waiting is for queues: a retained message goes only when its publisher said so [MQTT5-3.3.2-5].
    if (!kept.isExpiryForwarded) kept.expiresAtMs = 0
    return kept
  }

  #copy(bytes: Buffer, retain: boolean): Message {
    this.bytes.copy(bytes, 0, this.start, this.end)
    const kept = new Message()
    kept.set(this.#topic, this.qos, retain, bytes, 0, this.payloadStart - this.start, bytes.length)
    if (this.isVersion5) kept.setProperties(this.propertiesStart - this.start)
    kept.publisher = this.publisher
    kept.expiresAtMs = this.expiresAtMs
    kept.isExpiryForwarded = this.isExpiryForwarded
    kept.#kept = kept
    return kept
  }

  /** Copies the topic to the beginning of a buffer that has room for it. Returns how many bytes it has. @internal */
  copyTopic(target: Buffer): number {
    const { bytes } = this
    const at = fieldStart(bytes, this.start) + 2
    return bytes.copy(target, 0, at, at + bytes.readUInt16BE(at - 2))
  }

  /** Tells it from a message with another topic or payload; properties, which may change when it is sent again, do not count. */
  get contentHash(): number {
    const { bytes } = this
    const at = fieldStart(bytes, this.start) + 2
    const topicHash = hashContent(bytes, at, at + bytes.readUInt16BE(at - 2), 0)
    return hashContent(bytes, this.payloadStart, this.end, topicHash)
  }

  /** A view of the topic as it stands in the packet. */
  get topicBytes(): Buffer {
    const at = fieldStart(this.bytes, this.start)
    return this.bytes.subarray(at + 2, at + 2 + this.bytes.readUInt16BE(at))
  }
}

/** Offset of the first field of the packet that begins at `start`, past its remaining length. */
function fieldStart(bytes: Buffer, start: number): number {
  return varintEnd(bytes, start + 1, bytes.length)
}
