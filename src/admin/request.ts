import type { PublishOptions, ReceivedMessage } from './messages.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { HubbubError } from '../base/errors.ts'
import type { Admin } from './admin.ts'

/** What a request takes besides the message. */
export interface RequestOptions {
  /** Begins the topic for the reply when the message names none. */
  readonly responseTopicPrefix: string
  readonly timeoutMs: number
  /** Whoever asked has gone. */
  readonly signal: AbortSignal
}

export interface Reply {
  readonly message: ReceivedMessage
  /** From when the request was published until the reply came. */
  readonly latencyMs: number
}

/**
 * Publishes a message with a Response Topic and Correlation Data, its own or new ones, and resolves with the reply [MQTT5 §4.10].
 * @throws HubbubError `REQUEST_NOT_HEARD` when nobody subscribes, `REQUEST_NOT_ANSWERED` when no reply comes in time, and what
 *   `Publisher.publish` throws
 */
export async function request(
  admin: Admin,
  topic: string,
  payload: string | Uint8Array,
  asked: PublishOptions,
  { responseTopicPrefix, timeoutMs, signal }: RequestOptions,
): Promise<Reply> {
  if (asked.properties?.responseTopic !== undefined) admin.checkReceive(asked.properties.responseTopic)
  const responseTopic = asked.properties?.responseTopic ?? `${responseTopicPrefix}/${randomUUID()}`
  const correlationData = asked.properties?.correlationData ?? randomBytes(16)
  const startedAtMs = performance.now()
  const ended = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  let unsubscribe: (() => void) | undefined
  const reply = new Promise<ReceivedMessage>((resolve, reject) => {
    ended.addEventListener('abort', () => {
      const reason = `no reply came to ${JSON.stringify(responseTopic)} within ${timeoutMs} ms`
      reject(new HubbubError('REQUEST_NOT_ANSWERED', `Cannot get an answer from ${JSON.stringify(topic)}: ${reason}`))
    })
    const options = { qos: 2, isRetainedWanted: false, isRetainAsPublished: true } as const
    unsubscribe = admin.subscribe(
      responseTopic,
      (message) => {
        const answered = message.properties.correlationData
        // A client of 3.1.1 has no Correlation Data: the topic is enough.
        if (answered === undefined || Buffer.compare(answered, correlationData) === 0) resolve(message)
      },
      options,
    )
  })
  // It may be given up before anybody waits for it.
  reply.catch(() => undefined)
  try {
    const properties = { ...asked.properties, responseTopic, correlationData }
    const { matched } = await admin.publish(topic, payload, { ...asked, properties })
    if (matched === 0) {
      const reason = 'nobody subscribes to it'
      throw new HubbubError('REQUEST_NOT_HEARD', `Cannot get an answer from ${JSON.stringify(topic)}: ${reason}`)
    }
    return { message: await reply, latencyMs: performance.now() - startedAtMs }
  } finally {
    unsubscribe?.()
  }
}
