import { signal } from '@preact/signals'
import { apiUrl } from './api.ts'

/** A topic as the hub's feed tells it. */
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

export interface PresenceJson {
  readonly clientId: string
  readonly state: 'here' | 'away' | 'gone'
  readonly atMs: number
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
  readonly history: { readonly isEnabled: boolean; readonly messages: number; readonly bytes: number }
  readonly memoryBytes: number
}

export interface FeedReceiver {
  topics(topics: readonly TopicJson[]): void
  presence(changes: readonly PresenceJson[]): void
  overview(overview: OverviewJson): void
}

/** All topics that there are have been told. */
export const isFeedReady = signal(false)

/** Opens the feed that the lists live on; the browser opens it again when it breaks. */
export function openFeed(receiver: FeedReceiver): void {
  const source = new EventSource(apiUrl('feed', { events: 'topics,presence,overview' }))
  source.addEventListener('topics', ({ data }: MessageEvent<string>) => receiver.topics(read<TopicJson>(data)))
  source.addEventListener('presence', ({ data }: MessageEvent<string>) => receiver.presence(read<PresenceJson>(data)))
  source.addEventListener('overview', ({ data }: MessageEvent<string>) => {
    const [overview] = read<OverviewJson>(data)
    if (overview !== undefined) receiver.overview(overview)
  })
  source.addEventListener('ready', () => {
    isFeedReady.value = true
  })
}

function read<T>(text: string): T[] {
  const entries: T[] = JSON.parse(text)
  return entries
}
