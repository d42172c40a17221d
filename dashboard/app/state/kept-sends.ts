import type { Outgoing, SendChange } from '../../worker/protocol.ts'
import { tabClientId } from './identity.ts'
import { store } from './stored.ts'

/** What was sent, and what became of it, as it outlives the page. */
export interface KeptSend {
  readonly message: Outgoing
  readonly atMs: number
  readonly steps: readonly SendChange[]
}

/** What one tab tells the others of its messages. */
export type SendNews =
  | { readonly kind: 'sent'; readonly message: Outgoing; readonly atMs: number }
  | { readonly kind: 'changed'; readonly change: SendChange }

/** One list a tab, so that tabs do not write over each other. */
const PREFIX = 'hubbub.sends.'
const OWN = `${PREFIX}${tabClientId}`
/** Of all tabs, closed ones among them. */
const MAX_TABS = 20
/** Of a tab; storage has room for some 5 million. */
const MAX_CHARACTERS = 150_000
const SAVE_MS = 300

const channel = new BroadcastChannel('hubbub.sends')
let timer: ReturnType<typeof setTimeout> | undefined
let saveNow: () => void = () => undefined

/** What this tab (`isOfTab`) and others sent before, the oldest first. */
export function keptSends(): (KeptSend & { readonly isOfTab: boolean })[] {
  const lists = Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => ({ key, sends: read(key) }))
    .toSorted((one, other) => (other.sends.at(-1)?.atMs ?? 0) - (one.sends.at(-1)?.atMs ?? 0))
  for (const { key } of lists.slice(MAX_TABS)) if (key !== OWN) localStorage.removeItem(key)
  const all = lists.flatMap(({ key, sends }) => sends.map((one) => ({ ...one, isOfTab: key === OWN })))
  return all.toSorted((one, other) => one.atMs - other.atMs)
}

/** Keeps what this tab sent; not with each change, but before the page goes. */
export function keepSends(own: () => readonly KeptSend[]): void {
  saveNow = () => {
    clearTimeout(timer)
    timer = undefined
    const kept: string[] = []
    let characters = 0
    for (const one of own().toReversed()) {
      const json = JSON.stringify(one)
      // One that is too long leaves room to older ones.
      if (characters + json.length > MAX_CHARACTERS) continue
      characters += json.length
      kept.unshift(json)
    }
    store(OWN, `[${kept.join(',')}]`)
  }
  timer ??= setTimeout(saveNow, SAVE_MS)
}

export function tellTabs(news: SendNews): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no origin to name
  channel.postMessage(news)
}

/** Hears of what other tabs of this browser send; to be called once. */
export function hearTabs(heard: (news: SendNews) => void): void {
  channel.addEventListener('message', ({ data }: MessageEvent<SendNews>) => heard(data))
  addEventListener('pagehide', () => {
    if (timer !== undefined) saveNow()
  })
}

function read(key: string): KeptSend[] {
  try {
    const kept: Partial<KeptSend>[] = JSON.parse(localStorage.getItem(key) ?? '[]')
    return kept.filter((one): one is KeptSend => one.message !== undefined && Array.isArray(one.steps))
  } catch {
    return []
  }
}
