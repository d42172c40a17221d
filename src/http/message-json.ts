import { isUtf8 } from 'node:buffer'
import type { Static } from 'typebox'
import type { MessageProperties } from '../protocol/message-properties.ts'
import { invalidParameter } from './problem.ts'
import type { Properties } from './schemas.ts'

export type PropertiesJson = Static<typeof Properties>

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

function correlationJson(data: Buffer): Pick<PropertiesJson, 'correlationData' | 'correlationDataBase64'> {
  return isUtf8(data) ? { correlationData: data.toString() } : { correlationDataBase64: data.toString('base64') }
}

/** @throws HttpProblem naming the parameter below `path` */
export function readProperties(json: PropertiesJson | undefined, path: string): MessageProperties {
  if (json === undefined) return {}
  const { correlationData, correlationDataBase64, ...rest } = json
  const data =
    correlationDataBase64 === undefined
      ? correlationData === undefined
        ? undefined
        : Buffer.from(correlationData)
      : readBase64(correlationDataBase64, `${path}properties/correlationDataBase64`)
  return { ...rest, ...(data !== undefined && { correlationData: data }) }
}

/** @throws HttpProblem when `text` is not base64 */
export function readBase64(text: string, parameter: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw invalidParameter(parameter, text, 'it must be base64')
  }
  return bytes
}
