import { effect, signal } from '@preact/signals'
import type { FeedEntries, ShortTopicJson } from '../../../src/http/api-types.ts'
import { apiUrl } from './api.ts'
import { link } from './hub.ts'
import { isSignInNeeded } from './session.ts'

/** The browser gives up when something other than the hub answers, such as a proxy in front of it. */
const REOPEN_MS = 3000
/** What the feed does not tell could not be asked for. */
const ASK_AGAIN_MS = 3000

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
  /** It is open, perhaps again: what it does not tell by itself has to be asked for. */
  opened(): Promise<void>
  topics(topics: readonly TopicNews[]): void
  presence(changes: readonly PresenceChange[]): void
  overview(overview: Overview): void
}

/** All topics that there are have been told. */
export const isFeedReady = signal(false)

/** Since when the feed is broken, until all is known again; undefined while it tells. */
export const feedLostAtMs = signal<number | undefined>(undefined)

/** The hub, or what stands before it, has answered with something that is no feed. */
export const isFeedRefused = signal(false)

/** How often it was opened: rules and people may be others with each. */
export const feedOpenings = signal(0)

/** Keeps the feed open that the lists live on. */
export function followFeed(receiver: FeedReceiver): void {
  let source = openFeed(receiver)
  const reopen = (): void => {
    source.close()
    source = openFeed(receiver)
  }
  // The hub is there again: no more waiting.
  effect(() => {
    if (link.value.state === 'online' && feedLostAtMs.peek() !== undefined) reopen()
  })
  setInterval(() => {
    if (source.readyState === EventSource.CLOSED && !isSignInNeeded.peek()) reopen()
  }, REOPEN_MS)
}

/** The browser opens it again when it breaks. */
function openFeed(receiver: FeedReceiver): EventSource {
  let openings = 0
  const source = new EventSource(apiUrl('GET /feed', { query: { events: 'topics,presence,overview', form: 'short' } }))
  source.addEventListener('error', () => {
    openings++
    feedLostAtMs.value ??= Date.now()
    isFeedRefused.value = source.readyState === EventSource.CLOSED
  })
  source.addEventListener('open', () => {
    const opening = ++openings
    isFeedRefused.value = false
    feedOpenings.value++
    const isCurrent = (): boolean => opening === openings && source.readyState === EventSource.OPEN
    const known = (): void => {
      if (isCurrent()) feedLostAtMs.value = undefined
    }
    const unknown = (): void => {
      if (!isCurrent()) return
      feedLostAtMs.value ??= Date.now()
      setTimeout(learn, ASK_AGAIN_MS)
    }
    const learn = (): void => {
      if (isCurrent()) receiver.opened().then(known, unknown)
    }
    learn()
  })
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
  return source
}

function newsOf([topic, messages, atMs, publisher, text]: ShortTopicJson): TopicNews {
  return { topic, messages, atMs, publisher: publisher ?? undefined, text: text ?? undefined }
}

function read<T>(text: string): T[] {
  const entries: T[] = JSON.parse(text)
  return entries
}
