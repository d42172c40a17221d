import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Arrived, Past } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { apiUrl } from '../state/api.ts'
import { past } from '../state/hub.ts'
import { isSearchOpen } from '../state/layout.ts'
import { jumpTo } from '../state/open.ts'
import { Icon } from '../icons.tsx'
import { Time } from '../time.tsx'
import { moment } from '../words/format.ts'
import { number, words } from '../words/words.ts'

const HITS = 50
const WAIT_MS = 200

/** Looks for words, or a condition on JSON, in the history of a conversation. Enter shows the hit where it was said. */
export function Search({ filter }: { readonly filter: string }) {
  const text = words.value
  const input = useRef<HTMLInputElement>(null)
  const wanted = useSignal('')
  const found = useSignal<Past | undefined>(undefined)
  const at = useSignal(0)
  const isListShown = useSignal(false)
  const isSearching = useSignal(false)
  const query = wanted.value.trim()
  useEffect(() => {
    const before = document.activeElement
    input.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  useEffect(() => {
    let isStale = false
    const load = async (): Promise<void> => {
      const condition = query.startsWith('@') ? { where: query } : { text: query }
      const messages: Arrived[] = []
      let cursor: string | undefined
      do {
        // The hub looks at so much for one answer; a page may be empty and yet not the last.
        const page = await past(
          apiUrl('GET /messages', { query: { payload: 'short', filter, limit: HITS, ...condition, cursor } }),
        )
        if (isStale) return
        messages.push(...page.messages)
        found.value = { ...page, messages: messages.slice() }
        isListShown.value = true
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined && messages.length < HITS)
      isSearching.value = false
    }
    at.value = 0
    isSearching.value = query !== ''
    found.value = undefined
    const timer = query === '' ? undefined : setTimeout(() => void load(), WAIT_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [query, filter])
  const hits = found.value?.messages ?? []
  const show = (hit: Arrived): void => {
    isListShown.value = false
    void jumpTo(hit)
  }
  const move = (step: number): void => {
    isListShown.value = true
    at.value = Math.max(0, Math.min(hits.length - 1, at.value + step))
    document.querySelector(`#hit-${at.value}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <search class="finder">
      <div class="finder-field">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label={text.search}
          aria-controls="hits"
          aria-activedescendant={hits.length > 0 ? `hit-${at.value}` : undefined}
          placeholder={text.searchPlaceholder}
          value={wanted.value}
          onInput={({ currentTarget }) => {
            wanted.value = currentTarget.value
          }}
          onKeyDown={(event) => {
            const hit = hits[at.value]
            if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
              event.preventDefault()
              move(event.key === 'ArrowDown' ? 1 : -1)
            } else if (event.key === 'Enter' && hit !== undefined) show(hit)
            else if (event.key === 'Escape') {
              event.stopPropagation()
              isSearchOpen.value = false
            }
          }}
        />
        <span class="quiet" role="status">
          <Outcome found={found.value} isSearching={isSearching.value} />
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label={text.close}
          onClick={() => {
            isSearchOpen.value = false
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <ul id="hits" role="listbox" aria-label={text.search} hidden={hits.length === 0 || !isListShown.value}>
        {hits.map((hit, index) => (
          <Hit key={hit.id} hit={hit} index={index} isAt={index === at.value} onChoose={show} />
        ))}
      </ul>
    </search>
  )
}

interface OutcomeProps {
  readonly found: Past | undefined
  readonly isSearching: boolean
}

function Outcome({ found, isSearching }: OutcomeProps) {
  const text = words.value
  if (found?.isAnswered === false) return text.notKnown
  if (found?.fault !== undefined) return <span class="fault">{found.fault}</span>
  const count = found?.messages.length ?? 0
  if (isSearching) return `${text.hits(number(count))} · ${text.loadingOlder}`
  if (found === undefined) return null
  if (count === 0) return text.nothingFound
  return found.nextCursor === null ? text.hits(number(count)) : `${text.hits(number(count))} · ${text.moreHits}`
}

interface HitProps {
  readonly hit: Arrived
  readonly index: number
  readonly isAt: boolean
  readonly onChoose: (hit: Arrived) => void
}

function Hit({ hit, index, isAt, onChoose }: HitProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the field above has the keys
    <li id={`hit-${index}`} role="option" aria-selected={isAt} onClick={() => onChoose(hit)}>
      <Time atMs={hit.atMs}>{moment(hit.atMs)}</Time>
      <span class="quiet from-end" title={hit.topic}>
        <bdi dir="ltr">{hit.chat?.from ?? visible(hit.topic)}</bdi>
      </span>
      <bdi>{hit.chat?.text ?? hit.preview}</bdi>
    </li>
  )
}
