import { connectAsync } from 'mqtt'
import { onTestFinished } from 'vitest'
import { Collected, guarded } from '../support/guard.ts'

export interface WatchedMessage {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
}

/** Somebody who sees what the programs of the examples say, and speaks to them; all at QoS 1. */
export interface Watch {
  readonly messages: Collected<WatchedMessage>
  /** The first message of a topic, past or to come, that `isIt` takes. */
  until(topic: string, isIt?: (message: WatchedMessage) => boolean, guardMs?: number): Promise<WatchedMessage>
  publish(topic: string, payload: string, retain?: boolean): void
  /** Resolves when the hub has it. */
  publishAsync(topic: string, payload: string): Promise<void>
  /** Resolves when the hub has ended the connection, and all has come. */
  readonly closed: Promise<void>
}

/** Connects to a hub and subscribes; ends with the test if not before. */
export async function watch(port: number, filters: readonly string[] = ['#']): Promise<Watch> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
  const messages = new Collected<WatchedMessage>('messages')
  client.on('message', (topic, payload, { qos, retain }) =>
    messages.push({ topic, payload: payload.toString(), qos, retain }),
  )
  const closed = new Promise<void>((resolve) => {
    client.once('close', () => resolve())
  })
  onTestFinished(async () => client.endAsync(true))
  await client.subscribeAsync([...filters], { qos: 1 })
  return {
    messages,
    closed,
    until: async (topic, isIt = () => true, guardMs) =>
      guarded(
        messages.firstThat((message) => (message.topic === topic && isIt(message) ? message : undefined)),
        () => `a message on ${topic}; there was ${JSON.stringify(messages.items.slice(-10))}`,
        guardMs,
      ),
    publish: (topic, payload, retain = false) => void client.publish(topic, payload, { qos: 1, retain }),
    publishAsync: async (topic, payload) => {
      await client.publishAsync(topic, payload, { qos: 1 })
    },
  }
}
