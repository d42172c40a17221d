import { isUtf8String } from './utf8.ts'

/** A packet breaks the standard. The reader of its fields throws it; the connection ends with the message in the log. */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError'
}

/**
 * Reads the fields of one control packet in order and refuses what is not there. For packets that come once or a few times
 * per connection (CONNECT, SUBSCRIBE, UNSUBSCRIBE), never for PUBLISH. Every method throws MalformedPacketError.
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
    const value = this.#bytes.readUInt16BE(this.#at)
    this.#at += 2
    return value
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

  /** Throws when bytes are left over. */
  finish(packetName: string): void {
    if (this.#at < this.#end) throw new MalformedPacketError(`${packetName} has ${this.#end - this.#at} bytes too many`)
  }

  #need(bytes: number, name: string): void {
    if (this.#at + bytes > this.#end) throw new MalformedPacketError(`the packet ends inside ${name}`)
  }
}
