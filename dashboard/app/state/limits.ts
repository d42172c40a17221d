import { effect, signal } from '@preact/signals'
import { bytes } from '../words/format.ts'
import { number, words } from '../words/words.ts'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask } from './api.ts'
import { link } from './hub.ts'

/** The most that a packet has besides topic and payload: its header, and the properties of a request. */
const OVERHEAD_BYTES = 300

/** Those of the hub; undefined until it has told. */
const limits = signal<Answer<'GET /limits'> | undefined>(undefined)

/** Asks for them with each connection, since the hub may have been started with others. */
export function followLimits(): void {
  effect(() => {
    if (link.value.state !== 'online') return
    ask('GET /limits').then(
      (told) => (limits.value = told),
      // With the next connection, then.
      () => undefined,
    )
  })
}

/** In words, why a message may not be published, before the hub disconnects for it; undefined when it may. */
export function publishFault(topic: string, payload: string): string | undefined {
  const text = words.value
  if (topic === '') return text.topicMissing
  if (/[+#\0]/.test(topic)) return text.topicWildcard
  if (topic.startsWith('$')) return text.topicReserved
  if (limits.value === undefined) return undefined
  const { maxTopicBytes, maxTopicLevels, maxPacketBytes } = limits.value
  const topicBytes = utf8Bytes(topic, 0)
  if (topicBytes > maxTopicBytes) return text.topicTooLong(bytes(maxTopicBytes))
  if (topic.split('/').length > maxTopicLevels) return text.topicTooDeep(number(maxTopicLevels))
  const room = maxPacketBytes - topicBytes - OVERHEAD_BYTES
  return utf8Bytes(payload, room) > room ? text.payloadTooLarge(bytes(room)) : undefined
}

/** Exact where it is near the limit: counting is not for each key in a long text. */
function utf8Bytes(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : new TextEncoder().encode(text).length
}
