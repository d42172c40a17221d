import { ReasonCode } from './reason-codes.ts'
import { isUtf8String } from './utf8.ts'
import { CUT_OFF, isShortest, readVarint, TOO_LONG, varintEnd } from './varint.ts'

/**
 * A packet breaks the standard. The reader of its fields throws it; the connection ends with the message in the log, and a
 * client of MQTT 5 is told message and `code`.
 */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError'
  readonly code: ReasonCode

  constructor(message: string, code: ReasonCode = ReasonCode.MALFORMED_PACKET) {
    super(message)
    this.code = code
  }
}

/** There is no memory for what the packet has the hub hold: the connection ends, though the packet may be well formed. */
export class NoMemoryError extends MalformedPacketError {
  constructor(wanted: string) {
    super(`there is no memory for ${wanted} (limits.memory)`, ReasonCode.QUOTA_EXCEEDED)
  }
}

/**
 * Reads the fields of one control packet in order and refuses what is not there. For packets that come once or a few times
 * per connection (CONNECT, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT), never for PUBLISH. Every method throws MalformedPacketError.
 */
export class FieldReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  byte(name: string): number {
    this.#need(1, name)
    return this.#bytes.readUInt8(this.#at++)
  }

  uint16(name: string): number {
    this.#need(2, name)
    this.#at += 2
    return this.#bytes.readUInt16BE(this.#at - 2)
  }

  uint32(name: string): number {
    this.#need(4, name)
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  /** A number of one to four bytes with seven bits each, in its shortest form [MQTT5-1.5.5-1]. */
  variableByteInteger(name: string): number {
    const start = this.#at
    const end = varintEnd(this.#bytes, start, this.#end)
    if (end === CUT_OFF) throw new MalformedPacketError(`the packet ends inside ${name}`)
    if (end === TOO_LONG) throw new MalformedPacketError(`${name} is longer than four bytes`)
    if (!isShortest(this.#bytes, start, end)) throw new MalformedPacketError(`${name} is not in its shortest form`)
    this.#at = end
    return readVarint(this.#bytes, start)
  }

  /** A view of a length-prefixed field. */
  binary(name: string): Buffer {
    const length = this.uint16(`${name} length`)
    this.#need(length, name)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** A length-prefixed UTF-8 string [MQTT-1.5.3-1] [MQTT-1.5.3-2]. */
  string(name: string): string {
    const bytes = this.binary(name)
    if (!isUtf8String(bytes, 0, bytes.length))
      throw new MalformedPacketError(`${name} is not valid UTF-8 without U+0000`)
    return bytes.toString('utf8')
  }

  /** A reader of the next `bytes`, which are then behind this one. */
  part(bytes: number, name: string): FieldReader {
    this.#need(bytes, name)
    this.#at += bytes
    return new FieldReader(this.#bytes, this.#at - bytes, this.#at)
  }

  /** Throws when bytes are left over. */
  finish(packetName: string): void {
    if (this.#at < this.#end) throw new MalformedPacketError(`${packetName} has ${this.#end - this.#at} bytes too many`)
  }

  #need(bytes: number, name: string): void {
    if (this.#at + bytes > this.#end) throw new MalformedPacketError(`the packet ends inside ${name}`)
  }
}
