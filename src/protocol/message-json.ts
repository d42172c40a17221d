import { isUtf8 } from 'node:buffer'
import type { MessageProperties } from './message-properties.ts'

/** The properties of a message as JSON has them. */
export interface PropertiesJson {
  isText?: boolean
  messageExpirySeconds?: number
  contentType?: string
  responseTopic?: string
  correlationData?: string
  correlationDataBase64?: string
  userProperties?: [name: string, value: string][]
}

/** A payload as JSON carries it: as text when it is UTF-8, else in base64. */
export function payloadJson(payload: Buffer): { payload: string } | { payloadBase64: string } {
  return isUtf8(payload) ? { payload: payload.toString() } : { payloadBase64: payload.toString('base64') }
}

/** The field `properties`, or no field when there are none. */
export function propertiesJson(properties: MessageProperties): { properties?: PropertiesJson } {
  const { correlationData, userProperties, ...rest } = properties
  const json: PropertiesJson = {
    ...rest,
    ...(userProperties !== undefined && { userProperties: userProperties.map(([name, value]) => [name, value]) }),
    ...(correlationData !== undefined && correlationJson(correlationData)),
  }
  return Object.keys(json).length === 0 ? {} : { properties: json }
}

function correlationJson(data: Uint8Array): Pick<PropertiesJson, 'correlationData' | 'correlationDataBase64'> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return isUtf8(bytes) ? { correlationData: bytes.toString() } : { correlationDataBase64: bytes.toString('base64') }
}

/** The bytes that a text stands for; undefined when it is not base64. */
export function bytesOfBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined
}
