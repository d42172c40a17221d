import { FieldReader, MalformedPacketError } from './field-reader.ts'
import type { QoS } from './packet-types.ts'

/** One topic filter of a SUBSCRIBE with the QoS it asks for. */
export interface FilterRequest {
  readonly filter: string
  readonly qos: QoS
}

/** Reads a SUBSCRIBE from the start of its variable header. @throws MalformedPacketError */
export function readSubscribe(bytes: Buffer, bodyStart: number, end: number): readonly FilterRequest[] {
  const fields = new FieldReader(bytes, bodyStart, end)
  readPacketId(fields)
  const requests: FilterRequest[] = []
  while (!fields.isAtEnd) {
    const filter = fields.string('topic filter')
    const qos = fields.byte('requested QoS')
    // [MQTT-3.8.3-4]
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new MalformedPacketError(`requested QoS byte is ${qos}`)
    requests.push({ filter, qos })
  }
  // [MQTT-3.8.3-3]
  if (requests.length === 0) throw new MalformedPacketError('SUBSCRIBE has no topic filter')
  return requests
}

/** Reads an UNSUBSCRIBE from the start of its variable header. @throws MalformedPacketError */
export function readUnsubscribe(bytes: Buffer, bodyStart: number, end: number): readonly string[] {
  const fields = new FieldReader(bytes, bodyStart, end)
  readPacketId(fields)
  const filters: string[] = []
  while (!fields.isAtEnd) filters.push(fields.string('topic filter'))
  // [MQTT-3.10.3-2]
  if (filters.length === 0) throw new MalformedPacketError('UNSUBSCRIBE has no topic filter')
  return filters
}

function readPacketId(fields: FieldReader): void {
  // [MQTT-2.3.1-1]
  if (fields.uint16('packet identifier') === 0) throw new MalformedPacketError('packet identifier is 0')
}
