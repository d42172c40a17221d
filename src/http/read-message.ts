import { bytesOfBase64, type PropertiesJson } from '../protocol/message-json.ts'
import type { MessageProperties } from '../protocol/message-properties.ts'
import { invalidParameter } from './problem.ts'

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
  const bytes = bytesOfBase64(text)
  if (bytes === undefined) throw invalidParameter(parameter, text, 'it must be base64')
  return bytes
}
