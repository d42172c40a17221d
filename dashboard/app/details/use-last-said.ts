import { effect, type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ask } from '../state/api.ts'
import { newsOf, openNews } from '../state/conversations.ts'
import type { TopicNews } from '../state/feed.ts'
import { link } from '../state/hub.ts'
import type { Members } from './form-values.ts'

/** Between two questions about a topic that speaks all the time. */
const PAUSE_MS = 1000

/**
 * The JSON object that was last published to a topic of the open conversation, kept up to date; undefined until it is known, and for
 * whatever is no object or longer than 4 KiB.
 */
export function useLastSaid(topic: string): Members | undefined {
  const said = useSignal<Members | undefined>(undefined)
  useEffect(() => follow(topic, said), [topic])
  return said.value
}

function follow(topic: string, said: Signal<Members | undefined>): () => void {
  const abort = new AbortController()
  let isReading = false
  let seen: TopicNews | undefined
  let linkedAtMs: number | undefined
  const catchUp = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    let asked: TopicNews | undefined
    do {
      if (asked !== undefined) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      asked = seen
      const found = await read(topic)
      // Who could not be asked has not said anything else.
      if (found !== undefined && seen === asked) said.value = found.members
      // What the feed told whole meanwhile needs no question.
    } while (!abort.signal.aborted && seen !== asked && membersIn(seen?.text) === undefined)
    isReading = false
  }
  const stop = effect(() => {
    void openNews.value
    const { state, atMs } = link.value
    if (state !== 'online') return
    const news = newsOf(topic)
    if (news === seen && atMs === linkedAtMs) return
    seen = news
    linkedAtMs = atMs
    const members = membersIn(news?.text)
    if (members === undefined) void catchUp()
    else said.value = members
  })
  return () => {
    abort.abort()
    stop()
  }
}

/** What is retained, else what history has, which is nothing where there is none; undefined when it could not be asked. Never throws. */
async function read(topic: string): Promise<{ readonly members: Members | undefined } | undefined> {
  const query = { filter: topic, limit: 1 }
  try {
    const retained = await ask('GET /retained', { query })
    const found = retained.messages[0] ?? (await ask('GET /messages', { query })).messages[0]
    return { members: membersIn(found?.payload) }
  } catch {
    return undefined
  }
}

function membersIn(payload: string | undefined): Members | undefined {
  if (payload === undefined || !payload.startsWith('{')) return undefined
  try {
    const whole: Readonly<Record<string, unknown>> = JSON.parse(payload)
    return new Map(Object.entries(whole))
  } catch {
    return undefined
  }
}
