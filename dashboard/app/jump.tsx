import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { Arrived } from '../worker/protocol.ts'
import { visible } from '../worker/visible.ts'
import { Modal } from './modal.tsx'
import { Avatar } from './sidebar/avatar.tsx'
import { announcedNames, loadAnnouncedNames } from './state/announced-names.ts'
import { apiUrl } from './state/api.ts'
import { type Conversation, conversations, idOf } from './state/conversations.ts'
import { past } from './state/hub.ts'
import { dialog } from './state/layout.ts'
import { jumpTo } from './state/open.ts'
import { go, hrefOf } from './state/place.ts'
import { filterFault } from './state/topic-filter.ts'
import { when } from './words/format.ts'
import { words } from './words/words.ts'

const SHOWN = 12
const SHOWN_TOPICS = 8
const SHOWN_MESSAGES = 8
/** One letter is in nearly everything. */
const LEAST_LETTERS = 2
const WAIT_MS = 200

/** Where one may jump. */
interface Target {
  readonly key: string
  readonly href: string
  readonly name: string
  /** What it is, or where it was said. */
  readonly about: string
  readonly conversation?: Conversation
  readonly message?: Arrived
}

/** Ctrl+K: any conversation, page or topic by a part of its name, any message by a word. */
export function Jump() {
  const text = words.value
  const query = useSignal('')
  const index = useSignal(0)
  const said = useSignal<readonly Arrived[]>([])
  const { value: all } = conversations
  const { value: names } = announcedNames
  const wanted = query.value.trim().toLowerCase()
  useEffect(() => void loadAnnouncedNames(), [])
  useEffect(() => {
    said.value = []
    let isStale = false
    const load = async (): Promise<void> => {
      const limit = 50
      const page = await past(apiUrl('GET /messages', { query: { text: wanted, limit } }))
      if (!isStale) said.value = page.messages
    }
    const timer = wanted.length < LEAST_LETTERS ? undefined : setTimeout(() => void load(), WAIT_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [wanted])
  const name = query.value.trim()
  const fault = /[+#]/.test(name) ? filterFault(name) : undefined
  const found = useMemo((): Target[] => {
    const places = (['overview', 'retained'] as const)
      .filter((kind) => text[kind].toLowerCase().includes(wanted))
      .map((kind) => ({ key: kind, href: `#/${kind}`, name: text[kind], about: '' }))
    const isTopic = /[/+#]/.test(name) && filterFault(name) === undefined
    const href = hrefOf(`channel/${name}`)
    const filter = isTopic ? [{ key: href, href, name: text.openAsFilter(name), about: '' }] : []
    return [...named(all, names, wanted), ...places, ...filter, ...topicsWith(all, wanted)]
  }, [wanted, text, all, names])
  const targets = [...found, ...messagesWith(said.value, wanted)]
  const at = Math.min(index.value, targets.length - 1)
  return (
    <Modal title={text.jump}>
      <input
        class="jump-input"
        autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls="jump-list"
        aria-activedescendant={`jump-${at}`}
        aria-label={text.jump}
        placeholder={text.jumpPlaceholder}
        value={query.value}
        onInput={({ currentTarget }) => {
          query.value = currentTarget.value
          index.value = 0
        }}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
          if (step !== 0) {
            event.preventDefault()
            index.value = Math.max(0, Math.min(targets.length - 1, at + step))
            document.querySelector(`#jump-${index.value}`)?.scrollIntoView({ block: 'nearest' })
          } else if (event.key === 'Enter') open(targets[at])
        }}
      />
      <ul id="jump-list" class="jump-list" role="listbox" aria-label={text.conversations}>
        {targets.map((target, place) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the field above has the keys
          <li
            key={target.key}
            id={`jump-${place}`}
            role="option"
            aria-selected={place === at}
            onClick={() => open(target)}
          >
            {target.conversation !== undefined && <Avatar conversation={target.conversation} />}
            <bdi class="jump-name">{visible(target.name)}</bdi>
            <bdi class="quiet">{visible(target.about)}</bdi>
          </li>
        ))}
      </ul>
      {fault !== undefined && <p class="fault">{text[fault]}</p>}
      {fault === undefined && targets.length === 0 && <p class="quiet">{text.nothingFound}</p>}
    </Modal>
  )
}

/** Conversations by their own name, their filter, or what the device calls itself. */
function named(all: readonly Conversation[], names: ReadonlyMap<string, string>, wanted: string): Target[] {
  const hits: Target[] = []
  for (const conversation of all) {
    if (hits.length === SHOWN) break
    const { id, kind, name } = conversation
    const title = kind === 'device' ? names.get(name) : undefined
    if (!isNamed(conversation, wanted) && title?.toLowerCase().includes(wanted) !== true) continue
    const href = hrefOf(id)
    hits.push({ key: href, href, name: title ?? name, about: title === undefined ? '' : name, conversation })
  }
  return hits
}

/** Topics of conversations that are not found by their own name. */
function topicsWith(all: readonly Conversation[], wanted: string): Target[] {
  const hits = new Map<string, Target>()
  if (wanted.length < LEAST_LETTERS) return []
  for (const conversation of all) {
    if (isNamed(conversation, wanted)) continue
    for (const topic of conversation.topics.keys()) {
      if (!topic.toLowerCase().includes(wanted)) continue
      const href = hrefOf(`channel/${topic}`)
      hits.set(topic, { key: href, href, name: topic, about: words.value.topic })
      if (hits.size === SHOWN_TOPICS) return [...hits.values()]
    }
  }
  return [...hits.values()]
}

/** Messages that say it; those that only have it in their topic are found by that. */
function messagesWith(said: readonly Arrived[], wanted: string): Target[] {
  return said
    .filter(({ topic }) => !topic.toLowerCase().includes(wanted))
    .slice(0, SHOWN_MESSAGES)
    .map((message) => {
      const { id, topic, chat, preview, atMs } = message
      const href = hrefOf(idOf(topic) ?? `channel/${topic}`)
      return { key: `message ${id}`, href, name: chat?.text ?? preview, about: `${topic}, ${when(atMs)}`, message }
    })
}

function isNamed({ name, filter }: Conversation, wanted: string): boolean {
  return name.toLowerCase().includes(wanted) || filter.toLowerCase().includes(wanted)
}

function open(target: Target | undefined): void {
  dialog.value = undefined
  if (target === undefined) return
  const { href, message } = target
  go(href, () => {
    if (message !== undefined) void jumpTo(message)
    // When what is open has been drawn.
    requestAnimationFrame(() => {
      const opened = document.querySelector<HTMLElement>('main [role="log"]') ?? document.querySelector('main')
      opened?.focus({ preventScroll: true })
    })
  })
}
