// Hot path: `publish` and `acknowledge` run per packet sent; measured by `npm run bench`, all throughput rows.
import type { Ledger } from '../observe/ledger.ts'
import type { Block } from '../protocol/blocks.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { publishBytes, publishFirstByte, writePublishHeader } from '../protocol/publish-packet.ts'
import type { Message } from '../protocol/message.ts'
import { LARGE_SLAB_BYTES, type OutputTurn, SMALL_SLAB_BYTES } from './output-turn.ts'
import type { Transport } from './transport.ts'

/** From here on a payload is sent from memory that all its receivers share instead of being copied for each. */
const REFERENCE_FROM_BYTES = 8192
/** What an output takes to refer to such a payload; the payload counts once for all. */
const REFERENCE_BYTES = 200
/**
 * An output that is fuller than this before the turn ends is written at once: many publishers to one subscriber would pass
 * its bound within a turn however fast it reads.
 */
const FLUSH_FROM_BYTES = 131_072

/**
 * The packets on their way to one client. What a turn of the event loop adds leaves in one write; while a write is not taken
 * by the system, no other is begun, and what comes meanwhile waits here, where it can be counted.
 */
export class Output {
  /** The client reads PUBLISH packets of MQTT 5. */
  isVersion5 = false
  readonly #transport: Transport
  readonly #turn: OutputTurn
  /** The slab being filled, from `#segmentStart` to `#used` not yet in `#chunks`. */
  #slab: Buffer | undefined = undefined
  #segmentStart = 0
  #used = 0
  #chunks: Buffer[] | undefined = undefined
  #slabs: Buffer[] | undefined = undefined
  /** What `#chunks` refer to, once for each time. */
  #blocks: Block[] | undefined = undefined
  #gatheredBytes = 0
  #gatheredQos0 = 0
  /** Packets that are no PUBLISH. */
  #gatheredOther = 0
  #gatheredOtherBytes = 0
  #transitSlabs: Buffer[] | undefined = undefined
  #transitBlocks: Block[] | undefined = undefined
  #transitBytes = 0
  #transitQos0 = 0
  /** What `#chunks` hold besides slabs. */
  #gatheredHeldBytes = 0
  #transitHeldBytes = 0
  #isScheduled = false
  #isClosed = false

  constructor(transport: Transport, turn: OutputTurn) {
    this.#transport = transport
    this.#turn = turn
  }

  /** Bytes that the system has not taken yet. */
  get pendingBytes(): number {
    return this.#gatheredBytes + this.#transitBytes
  }

  get pendingQos0Messages(): number {
    return this.#gatheredQos0 + this.#transitQos0
  }

  /** Adds a PUBLISH: the message's bytes with flags and packet identifier of its own. */
  publish(message: Message, qos: QoS, packetId: number, isDuplicate: boolean, isRetained: boolean): void {
    const hasPacketId = qos > 0
    let bytes = message.bytes
    let start = message.start
    let end = message.end
    let payloadStart = message.payloadStart
    if (hasPacketId === message.isWithoutPacketId || this.isVersion5 !== message.isVersion5) {
      bytes = message.shape(this.isVersion5, hasPacketId)
      start = 0
      end = bytes.length
      payloadStart = end - message.payloadBytes
    }
    const isReferenced = end - payloadStart >= REFERENCE_FROM_BYTES
    const copiedEnd = isReferenced ? payloadStart : end
    const slab = this.#room(copiedEnd - start)
    const at = this.#used
    bytes.copy(slab, at, start, copiedEnd)
    slab[at] = publishFirstByte(qos, isDuplicate, isRetained)
    this.#used = at + copiedEnd - start
    if (hasPacketId) {
      const idAt = at + payloadStart - start - 2 - (this.isVersion5 ? message.propertyFieldBytes : 0)
      slab[idAt] = packetId >>> 8
      slab[idAt + 1] = packetId & 0xff
      this.#turn.ledger.sent[qos]++
    } else {
      this.#gatheredQos0++
    }
    this.#gatheredBytes += end - start
    if (isReferenced) this.#refer(message, bytes, payloadStart, end)
    this.#added()
  }

  /**
   * Adds a PUBLISH of MQTT 5 with properties of the receiver's own before those of the message; `topic` may be empty when a
   * Topic Alias is among them.
   */
  publishWith(
    properties: Buffer,
    topic: Buffer,
    message: Message,
    qos: QoS,
    packetId: number,
    isDuplicate: boolean,
    isRetained: boolean,
  ): void {
    const { propertiesStart, payloadStart, end } = message
    const propertiesBytes = properties.length + payloadStart - propertiesStart
    const payloadBytes = end - payloadStart
    const packetBytes = publishBytes(topic.length, qos > 0, propertiesBytes, payloadBytes)
    const isReferenced = payloadBytes >= REFERENCE_FROM_BYTES
    const slab = this.#room(packetBytes - (isReferenced ? payloadBytes : 0))
    const firstByte = publishFirstByte(qos, isDuplicate, isRetained)
    let at = writePublishHeader(slab, this.#used, firstByte, topic, packetId, propertiesBytes, payloadBytes)
    if (qos > 0) this.#turn.ledger.sent[qos]++
    else this.#gatheredQos0++
    at += properties.copy(slab, at)
    at += message.bytes.copy(slab, at, propertiesStart, payloadStart)
    if (!isReferenced) at += message.bytes.copy(slab, at, payloadStart, end)
    this.#used = at
    this.#gatheredBytes += packetBytes
    if (isReferenced) this.#refer(message, message.bytes, payloadStart, end)
    this.#added()
  }

  /** Adds a run of PUBLISH packets at QoS 0 as it came, or as the client's version of MQTT has it. */
  publishRun(run: Message): void {
    const isOther = run.isVersion5 !== this.isVersion5
    const bytes = isOther ? run.shape(this.isVersion5, false) : run.bytes
    const start = isOther ? 0 : run.start
    const end = isOther ? bytes.length : run.end
    const length = end - start
    if (length >= REFERENCE_FROM_BYTES) {
      this.#refer(run, bytes, start, end)
    } else {
      const slab = this.#room(length)
      bytes.copy(slab, this.#used, start, end)
      this.#used += length
    }
    this.#gatheredQos0 += run.count
    this.#gatheredBytes += length
    this.#added()
  }

  /** Adds a packet of four bytes that carries a packet identifier; `firstByte` is its type and flags. */
  acknowledge(firstByte: number, packetId: number): void {
    const slab = this.#room(4)
    const at = this.#used
    slab[at] = firstByte
    slab[at + 1] = 2
    slab[at + 2] = packetId >>> 8
    slab[at + 3] = packetId & 0xff
    this.#used = at + 4
    this.#gatheredBytes += 4
    this.#gatheredOther++
    this.#gatheredOtherBytes += 4
    if (!this.#isScheduled) this.#schedule()
  }

  /** Adds a packet as it is; for those that are rare. */
  packet(bytes: Buffer): void {
    // Not in one expression with what follows: it may begin a slab, and with it `#used`.
    const slab = this.#room(bytes.length)
    this.#used += bytes.copy(slab, this.#used)
    this.#gatheredBytes += bytes.length
    this.#gatheredOther++
    this.#gatheredOtherBytes += bytes.length
    if (!this.#isScheduled) this.#schedule()
  }

  /** Hands what is gathered to the transport, unless it is still busy: `taken()` comes back here. */
  flush(): void {
    this.#isScheduled = false
    if (this.#gatheredBytes > 0 && this.#transitBytes === 0 && !this.#isClosed) this.#write()
  }

  /** To be called when the system has taken the last write; returns how many QoS 0 messages it held. */
  taken(): number {
    const qos0Messages = this.#transitQos0
    this.#transitBytes = 0
    this.#transitQos0 = 0
    this.#turn.memory.give(this.#transitHeldBytes, 0)
    this.#transitHeldBytes = 0
    this.#returnSlabs()
    this.#returnBlocks()
    if (this.#gatheredBytes > 0 && !this.#isScheduled) this.#schedule()
    return qos0Messages
  }

  /** Hands over what is left, taken or not, and nothing after it. */
  finish(): void {
    if (this.#gatheredBytes > 0 && !this.#isClosed) {
      this.#abandonTransit()
      this.#write()
    }
    this.close()
  }

  /** Forgets what is left; the transport is gone. What was handed to it is not used again, since the system may still read it. */
  close(): void {
    this.#isClosed = true
    this.#abandonTransit()
    this.#abandonGathered()
  }

  #write(): void {
    const chunks = this.#closeSegment()
    if (this.#slab !== undefined) this.#retire(this.#slab)
    this.#slab = undefined
    this.#used = 0
    this.#segmentStart = 0
    this.#chunks = undefined
    this.#transitSlabs = this.#slabs
    this.#slabs = undefined
    this.#transitBlocks = this.#blocks
    this.#blocks = undefined
    this.#transitBytes += this.#gatheredBytes
    this.#transitQos0 += this.#gatheredQos0
    this.#transitHeldBytes += this.#gatheredHeldBytes
    this.#gatheredHeldBytes = 0
    this.#count(this.#turn.ledger)
    this.#gatheredBytes = 0
    this.#gatheredQos0 = 0
    this.#gatheredOther = 0
    this.#gatheredOtherBytes = 0
    this.#transport.write(chunks)
  }

  #count(ledger: Ledger): void {
    ledger.sent[0] += this.#gatheredQos0
    ledger.sentBytes += this.#gatheredBytes - this.#gatheredOtherBytes
    ledger.otherSent += this.#gatheredOther
    ledger.outputBytes += this.#gatheredBytes
  }

  #added(): void {
    if (!this.#isScheduled) this.#schedule()
    if (this.#gatheredBytes >= FLUSH_FROM_BYTES && this.#transitBytes === 0 && !this.#isClosed) this.#write()
  }

  #schedule(): void {
    this.#isScheduled = true
    this.#turn.add(this)
  }

  /** The slab with room for `bytes` more at `#used`. */
  #room(bytes: number): Buffer {
    const slab = this.#slab
    return slab !== undefined && slab.length - this.#used >= bytes ? slab : this.#nextSlab(bytes)
  }

  #nextSlab(bytes: number): Buffer {
    const old = this.#slab
    if (
      old !== undefined &&
      this.#segmentStart === 0 &&
      this.#used + bytes <= LARGE_SLAB_BYTES &&
      old.length === SMALL_SLAB_BYTES
    ) {
      const large = this.#turn.takeSlab(true)
      old.copy(large, 0, 0, this.#used)
      this.#turn.giveSlab(old)
      this.#slab = large
      return large
    }
    if (old !== undefined) {
      this.#closeSegment()
      this.#retire(old)
    }
    if (bytes > LARGE_SLAB_BYTES) this.#holds(bytes)
    const slab =
      bytes > LARGE_SLAB_BYTES
        ? Buffer.allocUnsafeSlow(bytes)
        : this.#turn.takeSlab(old !== undefined || bytes > SMALL_SLAB_BYTES)
    this.#slab = slab
    this.#segmentStart = 0
    this.#used = 0
    return slab
  }

  /** Adds `bytes[start, end)`, those of the message or of a shape of it, from where they lie for as long as they are needed. */
  #refer(message: Message, bytes: Buffer, start: number, end: number): void {
    const chunks = this.#closeSegment()
    const { blocks } = this.#turn
    const { lasting } = message
    let shift = 0
    let block: Block
    if (bytes !== message.bytes) {
      block = message.lendLasting(bytes)
    } else if (lasting !== undefined) {
      block = lasting.lendLasting(lasting.bytes)
      shift = lasting.start - message.start
    } else {
      block = message.lend(blocks)
      shift = message.lentStart - message.start
    }
    blocks.count(block)
    this.#holds(REFERENCE_BYTES)
    chunks.push(block.bytes.subarray(start + shift, end + shift))
    this.#blocks ??= []
    this.#blocks.push(block)
  }

  /** Moves what was written to the slab since the last segment into the list of chunks, and returns that. */
  #closeSegment(): Buffer[] {
    const chunks = (this.#chunks ??= [])
    if (this.#slab !== undefined && this.#used > this.#segmentStart) {
      chunks.push(this.#slab.subarray(this.#segmentStart, this.#used))
      this.#segmentStart = this.#used
    }
    return chunks
  }

  #holds(bytes: number): void {
    this.#turn.memory.take(bytes, 0)
    this.#gatheredHeldBytes += bytes
  }

  /** What was handed to the transport and not taken counts no more, and is not used again: the system may still read it. */
  #abandonTransit(): void {
    let bytes = this.#transitHeldBytes
    for (const slab of this.#transitSlabs ?? []) bytes += slab.length
    for (const block of this.#transitBlocks ?? []) this.#turn.blocks.abandon(block)
    this.#transitHeldBytes = 0
    this.#transitSlabs = undefined
    this.#transitBlocks = undefined
    this.#turn.memory.give(bytes, 0)
  }

  #abandonGathered(): void {
    let bytes = this.#gatheredHeldBytes
    if (this.#slab !== undefined && this.#slab.length <= LARGE_SLAB_BYTES) bytes += this.#slab.length
    for (const slab of this.#slabs ?? []) bytes += slab.length
    for (const block of this.#blocks ?? []) this.#turn.blocks.release(block)
    this.#gatheredHeldBytes = 0
    this.#chunks = undefined
    this.#slab = undefined
    this.#slabs = undefined
    this.#blocks = undefined
    this.#turn.memory.give(bytes, 0)
  }

  #retire(slab: Buffer): void {
    if (slab.length > LARGE_SLAB_BYTES) return
    this.#slabs ??= []
    this.#slabs.push(slab)
  }

  #returnSlabs(): void {
    const slabs = this.#transitSlabs
    if (slabs === undefined) return
    this.#transitSlabs = undefined
    for (let i = 0; i < slabs.length; i++) {
      const slab = slabs[i]
      if (slab !== undefined) this.#turn.giveSlab(slab)
    }
  }

  #returnBlocks(): void {
    const blocks = this.#transitBlocks
    if (blocks === undefined) return
    this.#transitBlocks = undefined
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]
      if (block !== undefined) this.#turn.blocks.release(block)
    }
  }
}
