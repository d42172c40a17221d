import { signal } from '@preact/signals'
import type { FeedEntries, ShortTopicJson } from '../../../src/http/api-types.ts'
import { apiUrl } from './api.ts'

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

export type PresenceChange = FeedEntries['presence']

/** The hub in numbers. */
export type Overview = FeedEntries['overview']

export interface FeedReceiver {
  topics(topics: readonly TopicNews[]): void
  presence(changes: readonly PresenceChange[]): void
  overview(overview: Overview): void
}

/** All topics that there are have been told. */
export const isFeedReady = signal(false)

/** Opens the feed that the lists live on; the browser opens it again when it breaks. */
export function openFeed(receiver: FeedReceiver): void {
  const source = new EventSource(apiUrl('GET /feed', { query: { events: 'topics,presence,overview', form: 'short' } }))
  source.addEventListener('topics', ({ data }: MessageEvent<string>) =>
    receiver.topics(read<ShortTopicJson>(data).map(newsOf)),
  )
  source.addEventListener('presence', ({ data }: MessageEvent<string>) => receiver.presence(read<PresenceChange>(data)))
  source.addEventListener('overview', ({ data }: MessageEvent<string>) => {
    const [overview] = read<Overview>(data)
    if (overview !== undefined) receiver.overview(overview)
  })
  source.addEventListener('ready', () => {
    isFeedReady.value = true
  })
}

function newsOf([topic, messages, atMs, publisher, text]: ShortTopicJson): TopicNews {
  return { topic, messages, atMs, publisher: publisher ?? undefined, text: text ?? undefined }
}

function read<T>(text: string): T[] {
  const entries: T[] = JSON.parse(text)
  return entries
}
