import { signal } from '@preact/signals'
import { apiUrl } from './api.ts'

/** A topic as the hub's API tells it. */
export interface TopicJson {
  readonly topic: string
  readonly messages: number
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  readonly last: {
    readonly atMs: number
    readonly publisher: string | null
    readonly qos: 0 | 1 | 2
    readonly retain: boolean
    readonly payloadBytes: number
    readonly payload?: string
    readonly payloadBase64?: string
  }
}

/** A topic as the hub's feed tells it, in short. */
export interface TopicNews {
  readonly topic: string
  /** Since the hub started. */
  readonly messages: number
  readonly atMs: number
  /** Undefined: the hub. */
  readonly publisher: string | undefined
  /** How the last payload begins; undefined when it is no text. */
  readonly text: string | undefined
}

export interface WillJson {
  readonly topic: string
  readonly payload?: string
  readonly retain: boolean
}

export interface PresenceJson {
  readonly clientId: string
  readonly state: 'here' | 'away' | 'gone'
  readonly atMs: number
  readonly will: WillJson | null
}

/** How long something took lately. */
export interface TimesJson {
  readonly meanMs: number
  readonly worstMs: number
}

/** The hub in numbers. */
export interface OverviewJson {
  readonly version: string
  readonly atMs: number
  readonly startedAtMs: number
  readonly faults: readonly string[]
  readonly clients: number
  readonly received: readonly number[]
  readonly sent: readonly number[]
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly dropped: Readonly<Record<string, number>>
  readonly topics: number
  readonly retained: { readonly messages: number; readonly bytes: number }
  readonly notRetained: number
  readonly limits: Readonly<Record<string, number>>
  readonly history: {
    readonly isEnabled: boolean
    readonly isFailing: boolean
    readonly messages: number
    readonly bytes: number
  }
  readonly memoryBytes: number
  readonly eventLoopDelay: TimesJson | null
  readonly store: { readonly isFailing: boolean; readonly bytes: number | null; readonly writes: TimesJson | null }
}

export interface FeedReceiver {
  topics(topics: readonly TopicNews[]): void
  presence(changes: readonly PresenceJson[]): void
  overview(overview: OverviewJson): void
}

type ShortTopic = readonly [string, number, number, string | null, string | null]

/** All topics that there are have been told. */
export const isFeedReady = signal(false)

/** Opens the feed that the lists live on; the browser opens it again when it breaks. */
export function openFeed(receiver: FeedReceiver): void {
  const source = new EventSource(apiUrl('feed', { events: 'topics,presence,overview', form: 'short' }))
  source.addEventListener('topics', ({ data }: MessageEvent<string>) =>
    receiver.topics(read<ShortTopic>(data).map(newsOf)),
  )
  source.addEventListener('presence', ({ data }: MessageEvent<string>) => receiver.presence(read<PresenceJson>(data)))
  source.addEventListener('overview', ({ data }: MessageEvent<string>) => {
    const [overview] = read<OverviewJson>(data)
    if (overview !== undefined) receiver.overview(overview)
  })
  source.addEventListener('ready', () => {
    isFeedReady.value = true
  })
}

function newsOf([topic, messages, atMs, publisher, text]: ShortTopic): TopicNews {
  return { topic, messages, atMs, publisher: publisher ?? undefined, text: text ?? undefined }
}

function read<T>(text: string): T[] {
  const entries: T[] = JSON.parse(text)
  return entries
}
