// Hot path: `read` runs per PUBLISH of MQTT 5 that has properties; measured by `npm run bench`, rows "user properties".
import { MalformedPacketError } from './field-reader.ts'
import { PropertyId } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'
import { isUtf8String } from './utf8.ts'

const NUMBER_SIGN = 0x23
const PLUS_SIGN = 0x2b
/** By a User Property of this name a publisher asks for receipts; its value is the publisher's own id for the message. */
const RECEIPT = Buffer.from('receipt')
/** A longer id is no request for receipts. */
const MAX_RECEIPT_BYTES = 128

/**
 * The properties of a PUBLISH from a client, checked where they lie. What receivers get unaltered is not taken out but left as
 * bytes; only what the hub itself acts on is. One object serves all packets.
 */
export class PublishProperties {
  /** 0: none. */
  topicAlias = 0
  /** Message Expiry Interval; undefined: none. */
  expirySeconds: number | undefined = undefined
  /** Payload Format Indicator 1: the payload is said to be UTF-8. */
  isText = false
  /** The id by which the publisher wants receipts. */
  receipt: string | undefined = undefined
  /** Identifiers below 32 that were seen, each as a bit. */
  #seen = 0

  /** All of them may go to every receiver as they are. */
  get isForwardable(): boolean {
    return this.topicAlias === 0 && this.expirySeconds === undefined
  }

  /** The hub itself has nothing to do with any of them, or with the payload for them. */
  get arePlain(): boolean {
    return this.isForwardable && !this.isText && this.receipt === undefined
  }

  /** Reads the properties `bytes[start, end)`. @throws MalformedPacketError */
  read(bytes: Buffer, start: number, end: number): void {
    this.topicAlias = 0
    this.expirySeconds = undefined
    this.isText = false
    this.receipt = undefined
    this.#seen = 0
    for (let at = start; at < end;) {
      const next = this.#readOne(bytes, at, end)
      if (next > end) throw new MalformedPacketError('PUBLISH ends inside a property')
      at = next
    }
  }

  /** A copy of those properties in `bytes[start, end)`, which were read, that every receiver gets. */
  forwarded(bytes: Buffer, start: number, end: number): Buffer {
    const copy = Buffer.allocUnsafe(end - start)
    let length = 0
    for (let at = start; at < end;) {
      const next = endOf(bytes, at)
      const id = bytes[at]
      if (id !== PropertyId.TOPIC_ALIAS && id !== PropertyId.MESSAGE_EXPIRY_INTERVAL) {
        length += bytes.copy(copy, length, at, next)
      }
      at = next
    }
    return copy.subarray(0, length)
  }

  /** Checks the property at `at` and returns the offset behind it, past `end` when it is cut off. */
  #readOne(bytes: Buffer, at: number, end: number): number {
    const id = bytes[at] ?? 0
    const next = endOf(bytes, at)
    if (next > end) return next
    if (id === PropertyId.USER_PROPERTY) {
      const valueAt = at + 3 + uint16(bytes, at + 1)
      if (valueAt + 2 > next) throw new MalformedPacketError('PUBLISH ends inside a property')
      checkText(bytes, at + 3, valueAt, 'the name of a User Property')
      checkText(bytes, valueAt + 2, next, 'the value of a User Property')
      if (this.receipt === undefined && isReceipt(bytes, at + 3, valueAt, next)) {
        this.receipt = bytes.toString('utf8', valueAt + 2, next)
      }
      return next
    }
    if (id === PropertyId.TOPIC_ALIAS) {
      if (this.topicAlias !== 0) throw twice('Topic Alias')
      this.topicAlias = uint16(bytes, at + 1)
      // [MQTT5-3.3.2-8]
      if (this.topicAlias === 0) throw new MalformedPacketError('Topic Alias is 0', ReasonCode.TOPIC_ALIAS_INVALID)
      return next
    }
    const bit = 1 << id
    if ((this.#seen & bit) !== 0) throw twice(`the property ${id}`)
    this.#seen |= bit
    switch (id) {
      case PropertyId.PAYLOAD_FORMAT_INDICATOR: {
        const format = bytes[at + 1] ?? 0
        if (format > 1)
          throw new MalformedPacketError('Payload Format Indicator is not 0 or 1', ReasonCode.PROTOCOL_ERROR)
        this.isText = format === 1
        break
      }
      case PropertyId.MESSAGE_EXPIRY_INTERVAL:
        this.expirySeconds = bytes.readUInt32BE(at + 1)
        break
      case PropertyId.CONTENT_TYPE:
        checkText(bytes, at + 3, next, 'Content Type')
        break
      case PropertyId.RESPONSE_TOPIC:
        checkResponseTopic(bytes, at + 3, next)
        break
      default: // Correlation Data is any bytes.
    }
    return next
  }
}

/** @throws MalformedPacketError when the Response Topic `bytes[start, end)` is not a topic name */
export function checkResponseTopic(bytes: Buffer, start: number, end: number): void {
  checkText(bytes, start, end, 'Response Topic')
  if (start === end) throw new MalformedPacketError('Response Topic is empty', ReasonCode.PROTOCOL_ERROR)
  for (let at = start; at < end; at++) {
    // [MQTT5-3.3.2-14]
    if (bytes[at] === NUMBER_SIGN || bytes[at] === PLUS_SIGN) {
      throw new MalformedPacketError('Response Topic contains a wildcard', ReasonCode.PROTOCOL_ERROR)
    }
  }
}

/** Where the property at `at` ends. @throws MalformedPacketError when a client may not send it with PUBLISH */
function endOf(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case PropertyId.PAYLOAD_FORMAT_INDICATOR:
      return at + 2
    case PropertyId.TOPIC_ALIAS:
      return at + 3
    case PropertyId.MESSAGE_EXPIRY_INTERVAL:
      return at + 5
    case PropertyId.CONTENT_TYPE:
    case PropertyId.RESPONSE_TOPIC:
    case PropertyId.CORRELATION_DATA:
      return at + 3 + uint16(bytes, at + 1)
    case PropertyId.USER_PROPERTY: {
      const valueAt = at + 3 + uint16(bytes, at + 1)
      return valueAt + 2 + uint16(bytes, valueAt)
    }
    case PropertyId.SUBSCRIPTION_IDENTIFIER: // [MQTT5-3.3.4-6]
      throw new MalformedPacketError('a client may not send Subscription Identifier', ReasonCode.PROTOCOL_ERROR)
    default:
      throw new MalformedPacketError(`property ${bytes[at]} must not stand in PUBLISH`)
  }
}

function isReceipt(bytes: Buffer, nameStart: number, valueAt: number, end: number): boolean {
  if (valueAt - nameStart !== RECEIPT.length || bytes[nameStart] !== RECEIPT[0]) return false
  const valueBytes = end - valueAt - 2
  return valueBytes > 0 && valueBytes <= MAX_RECEIPT_BYTES && RECEIPT.compare(bytes, nameStart, valueAt) === 0
}

/** Past the end of `bytes` they count as 0: whoever asks compares the offset with the packet's end. */
function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function checkText(bytes: Buffer, start: number, end: number, name: string): void {
  if (!isUtf8String(bytes, start, end)) throw new MalformedPacketError(`${name} is not valid UTF-8 without U+0000`)
}

function twice(name: string): MalformedPacketError {
  return new MalformedPacketError(`${name} is given twice`, ReasonCode.PROTOCOL_ERROR)
}
