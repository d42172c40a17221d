import { bytesOfBase64, payloadJson, type PropertiesJson, propertiesJson } from '../../protocol/message-json.ts'
import {
  encodeMessageProperties,
  type MessageProperties,
  messageProperties,
} from '../../protocol/message-properties.ts'
import { Message } from '../../protocol/message.ts'
import { type TopicLimits, topicNameFault } from '../../protocol/topic.ts'
import type { HistoryEntry } from '../../admin/history-view.ts'

/** The largest line that is read: no message of 256 MiB was ever recorded. */
const MAX_LINE_BYTES = 32 * 1024 ** 2
const NEWLINE = 0x0a

/** A message of the past that was read from a line. */
export interface ReadEntry {
  readonly atMs: number
  readonly message: Message
}

/** A line of an export, with its line end. `readEntry` reads back all of it but the sequence number. */
export function lineOf({ sequence, atMs, topic, publisher, qos, retain, message }: HistoryEntry): string {
  const properties = propertiesJson(messageProperties(message, atMs))
  const time = new Date(atMs).toISOString()
  return `${JSON.stringify({ sequence, time, topic, publisher, qos, retain, ...payloadJson(message.payload), ...properties })}\n`
}

/** Reads a line of an export, or says what is wrong with it. */
export function readEntry(line: string, limits: TopicLimits): ReadEntry | string {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return 'it is not JSON'
  }
  if (typeof json !== 'object' || json === null) return 'it is not a JSON object'
  const fields = new Map<string, unknown>(Object.entries(json))
  const [time, topic, qos, retain] = ['time', 'topic', 'qos', 'retain'].map((name) => fields.get(name))
  const publisher = fields.get('publisher') ?? undefined
  const atMs = typeof time === 'string' ? Date.parse(time) : Number.NaN
  if (!Number.isFinite(atMs) || atMs < 0) return '"time" must be a time such as 2026-01-31T12:00:00.000Z'
  if (typeof topic !== 'string') return '"topic" must be a topic name'
  const fault = topicNameFault(topic, limits)
  if (fault !== undefined) return `"topic" is not valid: ${fault}`
  if (qos !== 0 && qos !== 1 && qos !== 2) return '"qos" must be 0, 1 or 2'
  if (typeof retain !== 'boolean') return '"retain" must be true or false'
  if (publisher !== undefined && !isShortText(publisher)) return '"publisher" must be a client identifier or null'
  const payload = readPayload(fields)
  if (payload === undefined) return '"payload" must be text, or "payloadBase64" base64'
  const properties = readProperties(fields.get('properties'))
  if (properties === undefined) return '"properties" are not those of a message'
  const message = Message.create(topic, payload, qos, retain, publisher, encodeMessageProperties(properties))
  if (properties.messageExpirySeconds !== undefined) {
    message.expiresAtMs = atMs + properties.messageExpirySeconds * 1000
    message.isExpiryForwarded = true
  }
  return { atMs, message }
}

/** The lines of a text that comes in chunks. @throws RangeError when one is longer than 32 MiB */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer[] = []
  let restBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end)
      yield (rest.length === 0 ? line : Buffer.concat([...rest, line])).toString()
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    rest.push(chunk.subarray(start))
    restBytes += chunk.length - start
    if (restBytes > MAX_LINE_BYTES) throw new RangeError('a line is longer than 32 MiB')
  }
  if (restBytes > 0) yield Buffer.concat(rest).toString()
}

function readPayload(fields: ReadonlyMap<string, unknown>): Buffer | undefined {
  const [text, base64] = [fields.get('payload'), fields.get('payloadBase64')]
  if (typeof text === 'string' && base64 === undefined) return Buffer.from(text)
  return typeof base64 === 'string' && text === undefined ? bytesOfBase64(base64) : undefined
}

/** Undefined when they are not valid properties. */
function readProperties(json: unknown): MessageProperties | undefined {
  if (json === undefined) return {}
  if (!isProperties(json)) return undefined
  const { correlationData, correlationDataBase64, ...rest } = json
  const data = correlationDataBase64 === undefined ? correlationData : bytesOfBase64(correlationDataBase64)
  if (correlationDataBase64 !== undefined && data === undefined) return undefined
  return { ...rest, ...(data !== undefined && { correlationData: Buffer.from(data) }) }
}

const PROPERTY_CHECKS: Readonly<Record<keyof PropertiesJson, (value: unknown) => boolean>> = {
  isText: (value) => typeof value === 'boolean',
  messageExpirySeconds: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32,
  contentType: isShortText,
  responseTopic: isShortText,
  correlationData: isShortText,
  correlationDataBase64: (value) => typeof value === 'string',
  userProperties: (value) =>
    Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isShortText)),
}

function isProperties(json: unknown): json is PropertiesJson {
  if (typeof json !== 'object' || json === null) return false
  const checks = new Map<string, (value: unknown) => boolean>(Object.entries(PROPERTY_CHECKS))
  return Object.entries(json).every(([name, value]) => checks.get(name)?.(value) === true)
}

/** Whether its length fits in the two bytes that a packet has for it. */
function isShortText(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= 65_535
}
