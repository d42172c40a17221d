import type { IPublishPacket } from 'mqtt'
import { Value } from 'typebox/value'
import { type Reply, ReplyFields } from '../payloads.ts'

/** A command as it came: its parameters, and where the reply goes. */
export interface Request {
  readonly parameters: unknown
  /** Undefined when nobody waits for a reply. */
  readonly replyTopic: string | undefined
  /** From the properties of MQTT 5. */
  readonly correlationData: Buffer | undefined
  /** From the JSON. */
  readonly correlationText: string | undefined
}

/** The payload is neither a JSON object nor empty. */
export class PayloadInvalid extends Error {}

/**
 * Reads a request. MQTT 5 says in properties where to reply; 3.1.1 says it in the JSON, beside the parameters, in `responseTopic` and
 * `correlationData`. Both may be there, as a requester need not know what the device speaks. Throws PayloadInvalid.
 */
export function readRequest(payload: Buffer, { properties }: Pick<IPublishPacket, 'properties'>): Request {
  const { responseTopic, correlationData, ...parameters } = parseObject(payload)
  const fields: unknown = {
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
  }
  if (!Value.Check(ReplyFields, fields)) throw new PayloadInvalid('responseTopic and correlationData must be text')
  return {
    parameters,
    replyTopic: [properties?.responseTopic, fields.responseTopic].find(isTopicName),
    correlationData: properties?.correlationData,
    correlationText: fields.correlationData,
  }
}

/** Where the reply goes, as far as it can be read from a request that is not valid. */
export function replyOnly({ properties }: Pick<IPublishPacket, 'properties'>): Request {
  return {
    parameters: {},
    replyTopic: [properties?.responseTopic].find(isTopicName),
    correlationData: properties?.correlationData,
    correlationText: undefined,
  }
}

export function replyText(reply: Reply, { correlationText }: Request): string {
  return JSON.stringify(correlationText === undefined ? reply : { ...reply, correlationData: correlationText })
}

function parseObject(payload: Buffer): Record<string, unknown> {
  if (payload.length === 0) return {}
  try {
    const value: unknown = JSON.parse(payload.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Said below.
  }
  throw new PayloadInvalid('the payload must be a JSON object or empty')
}

/** Publishing to a wildcard would reach nobody and end the connection. */
function isTopicName(topic: string | undefined): topic is string {
  return topic !== undefined && topic !== '' && !/[+#\0]/.test(topic)
}
