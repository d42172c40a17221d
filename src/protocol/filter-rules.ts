import { quote } from '../base/quote.ts'
import { MalformedPacketError } from './field-reader.ts'
import { ReasonCode } from './reason-codes.ts'
import { isSharedFilter, subscriptionFault } from './shared-filter.ts'
import type { FilterRequest } from './subscribe-packet.ts'
import { NO_TOPIC_LIMITS } from './topic.ts'

/** @throws MalformedPacketError when what is asked for is not valid in MQTT 5, whatever the limits are */
export function checkRequest5({ filter, options }: FilterRequest): void {
  checkFilter(filter)
  if (!options.isNoLocal || !isSharedFilter(filter)) return
  // [MQTT5-3.8.3-4]
  throw new MalformedPacketError('a shared subscription must not be No Local', ReasonCode.PROTOCOL_ERROR)
}

/** @throws MalformedPacketError when a topic filter is not valid, whatever the limits are */
export function checkFilter(filter: string): void {
  const fault = subscriptionFault(filter, NO_TOPIC_LIMITS)
  if (fault !== undefined) throw new MalformedPacketError(`topic filter ${quote(filter)} is not valid: ${fault}`)
}
