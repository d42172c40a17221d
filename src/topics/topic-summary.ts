import type { QoS } from '../protocol/packet-types.ts'

/** What a topic has seen since the hub started. */
export interface TopicSummary {
  readonly topic: string
  readonly messages: number
  /** Of the PUBLISH packets. */
  readonly bytes: number
  /** Over about the last ten seconds. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** When the newest of its messages with RETAIN came, by the hub's clock, in ms since 1970. */
  readonly retainedAtMs: number | undefined
  readonly last: LastValue
}

/** The last message of a topic. */
export interface LastValue {
  /** By the hub's clock, in ms since 1970. */
  readonly atMs: number
  readonly publisher: string | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly payloadBytes: number
  /** The first 512 bytes at most. */
  readonly payload: Buffer
  readonly isVersion5: boolean
}

/** One step down the tree of topics. */
export interface TopicLevel {
  readonly level: string
  /** All levels down to this one, each with its slash: `a/b/`. What is below it is found by this. */
  readonly prefix: string
  /** Topics at this level and below it. */
  readonly topics: number
  readonly messages: number
  readonly bytes: number
  readonly messagesPerSecond: number
  readonly hasChildren: boolean
  /** What was published to the topic that ends here. */
  readonly topic: TopicSummary | undefined
}
