import { useComputed } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { visible } from '../../worker/visible.ts'
import { DOWN, moveByArrows, within } from '../arrows.ts'
import { shortTopic } from '../conversation/labels.tsx'
import { saying } from '../conversation/measurements.tsx'
import { useVirtual } from '../conversation/use-virtual.ts'
import { Icon, type IconName } from '../icons.tsx'
import { type Conversation, type ConversationKind, conversations, pinnedIds } from '../state/conversations.ts'
import type { TopicNews } from '../state/feed.ts'
import { dialog, isListHeld } from '../state/layout.ts'
import { hrefOf, place } from '../state/place.ts'
import { readChat } from '../../worker/chat.ts'
import { isAdmin, session } from '../state/session.ts'
import { listOrder } from '../state/settings.ts'
import { Time } from '../time.tsx'
import { rate, when } from '../words/format.ts'
import { count, number, words } from '../words/words.ts'
import { Avatar } from './avatar.tsx'

const LINE_PIXELS = 60
const TITLE_PIXELS = 34
/** From here on a conversation is busy, and says how busy instead of when. */
const BUSY_PER_SECOND = 5

type Entry = { readonly title: string } | Conversation

/** The left column: everything there is to talk to. */
export function Sidebar({ isCovered }: { readonly isCovered: boolean }) {
  const text = words.value
  return (
    <nav class="sidebar" aria-label={text.conversations} inert={isCovered}>
      <header class="sidebar-head">
        <a class="brand" href="#/">
          Hubbub
        </a>
        <button
          type="button"
          class="icon-button"
          aria-label={text.newRoom}
          title={text.newRoom}
          onClick={() => (dialog.value = 'new')}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={text.settings}
          title={text.settings}
          onClick={() => (dialog.value = 'settings')}
        >
          <Icon name="gear" />
        </button>
      </header>
      {/* Tab comes by the places and the order first: after the search there is but the list before the conversation. */}
      <footer class="places">
        <PlaceLink kind="overview" icon="chart" />
        <PlaceLink kind="retained" icon="tray" />
        {session.value?.user != null && isAdmin.value && <PlaceLink kind="people" icon="key" />}
        <Me />
      </footer>
      <Order />
      <button type="button" class="jump" onClick={() => (dialog.value = 'jump')}>
        <Icon name="search" />
        <span>{text.searchShort}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <List />
    </nav>
  )
}

interface PlaceLinkProps {
  readonly kind: 'overview' | 'retained' | 'people'
  readonly icon: IconName
}

function PlaceLink({ kind, icon }: PlaceLinkProps) {
  const isOpen = place.value.kind === kind
  return (
    <a class="place" href={`#/${kind}`} aria-current={isOpen ? 'page' : undefined}>
      <Icon name={icon} />
      <span>{words.value[kind]}</span>
    </a>
  )
}

/** Who has signed in, if anybody need. */
function Me() {
  const { user, role } = session.value ?? { user: null, role: null }
  if (user === null) return null
  return (
    <button type="button" class="place" aria-haspopup="dialog" onClick={() => (dialog.value = 'account')}>
      <Icon name="person" />
      <bdi>{visible(user)}</bdi>
      <span class="quiet">{role === null ? '' : words.value.roles[role]}</span>
    </button>
  )
}

/** By name, or the most recent first. */
function Order() {
  const text = words.value
  const names = { name: text.orderByName, recent: text.orderRecent } as const
  return (
    <fieldset class="segments order" aria-label={text.order}>
      {(['name', 'recent'] as const).map((order) => (
        <label key={order} class="segment">
          <input
            type="radio"
            name="order"
            checked={listOrder.value === order}
            onChange={() => (listOrder.value = order)}
          />
          <span>{names[order]}</span>
        </label>
      ))}
    </fieldset>
  )
}

function List() {
  const scroller = useRef<HTMLDivElement>(null)
  const entries = useComputed(() =>
    listOrder.value === 'recent' ? [...conversations.value] : withTitles(conversations.value),
  )
  const all = entries.value
  const virtualizer = useVirtual({
    scroller,
    count: all.length,
    pixelsOf: (index) => ('title' in (all[index] ?? {}) ? TITLE_PIXELS : LINE_PIXELS),
    keyOf: (index) => keyOf(all[index]),
    isChat: false,
  })
  const open = place.value
  const openId = open.kind === 'conversation' ? open.id : undefined
  // The open one is in sight however it was opened, also while the list fills, until somebody looks elsewhere.
  const isLed = useRef(true)
  useLayoutEffect(() => {
    isLed.current = !isListHeld.peek()
  }, [openId])
  useLayoutEffect(() => {
    const index = all.findIndex((entry) => !('title' in entry) && entry.id === openId)
    if (isLed.current && !isListHeld.peek() && index !== -1) virtualizer.scrollToIndex(index, { align: 'auto' })
  }, [openId, all.length])
  const items = virtualizer.getVirtualItems()
  const lines = items.flatMap(({ index }) => {
    const entry = all[index]
    return entry === undefined || 'title' in entry ? [] : [entry.id]
  })
  // One stop of Tab: the open one, or the first if that is far away.
  const stopId = openId !== undefined && lines.includes(openId) ? openId : lines[0]
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- the keys are of the links in it
    <div
      class="scroller"
      ref={scroller}
      onKeyDown={(event) => moveByArrows(event, DOWN, scroller.current, within(scroller.current, '.line'))}
      onPointerEnter={() => {
        isListHeld.value = true
        isLed.current = false
      }}
      onPointerLeave={() => (isListHeld.value = scroller.current?.contains(document.activeElement) === true)}
      onFocusIn={() => {
        isListHeld.value = true
        isLed.current = false
      }}
      onFocusOut={() => (isListHeld.value = scroller.current?.matches(':hover') === true)}
    >
      <ul class="canvas" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {items.map(({ index, start, size, key }) => {
          const entry = all[index]
          if (entry === undefined) return null
          return (
            <li key={key} class="placed" style={{ height: `${size}px`, transform: `translateY(${start}px)` }}>
              {'title' in entry ? (
                <h2 class="section">{entry.title}</h2>
              ) : (
                <Line conversation={entry} isStop={entry.id === stopId} />
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}

interface LineProps {
  readonly conversation: Conversation
  /** Whether Tab stops at it. */
  readonly isStop: boolean
}

function Line({ conversation, isStop }: LineProps) {
  const { id, name, last, unread, rate: perSecond } = conversation
  const open = place.value
  const isOpen = open.kind === 'conversation' && open.id === id
  const { value: topic } = last
  return (
    <a
      class="line"
      href={hrefOf(id)}
      tabIndex={isStop ? 0 : -1}
      aria-current={isOpen ? 'page' : undefined}
      data-id={id}
    >
      <Avatar conversation={conversation} />
      <span class="line-text">
        <span class="line-top">
          <Name name={name} />
          {pinnedIds.value.has(id) && <Icon name="pin" />}
          <span class="line-when">
            {perSecond.value >= BUSY_PER_SECOND
              ? rate(perSecond.value)
              : topic !== undefined && <Time atMs={topic.atMs}>{when(topic.atMs)}</Time>}
          </span>
        </span>
        <span class="line-bottom">
          <bdi class="line-last">{topic === undefined ? '' : visible(saidIn(topic, conversation))}</bdi>
          {unread.value > 0 && (
            <span class="unread" aria-label={count(unread.value, words.value.unread)}>
              {unread.value > 999 ? '999+' : number(unread.value)}
            </span>
          )}
        </span>
      </span>
    </a>
  )
}

/** The end of a name of several levels tells most: where there is no room for all, the beginning is cut. */
function Name({ name }: { readonly name: string }) {
  const slash = name.replace(/\/[#+]$/, '').lastIndexOf('/')
  return (
    <bdi class="line-name" title={name}>
      {slash > 0 && <span class="line-levels">{visible(name.slice(0, slash))}</span>}
      <span class="line-level">{visible(name.slice(Math.max(0, slash)))}</span>
    </bdi>
  )
}

function saidIn({ topic, text: payload }: TopicNews, { kind, filter }: Conversation): string {
  const text = payload ?? words.value.binary
  const chat = kind === 'room' ? readChat(text) : undefined
  if (chat !== undefined) return `${chat.from}: ${chat.text}`
  if (kind === 'room') return text
  const short = topic === filter ? '' : `${shortTopic(topic, filter)}: `
  const members = saying(text).map((member) => `${member.name} ${member.text}`.trim())
  return `${short}${text === '' ? words.value.empty : members.join(', ') || text}`.slice(0, 160)
}

function withTitles(all: readonly Conversation[]): Entry[] {
  const { rooms, devices, channels } = words.value
  const titles: Readonly<Record<ConversationKind, string>> = { room: rooms, device: devices, channel: channels }
  const entries: Entry[] = []
  let kind: ConversationKind | undefined
  for (const one of all) {
    if (!pinnedIds.value.has(one.id) && one.kind !== kind) {
      kind = one.kind
      entries.push({ title: titles[kind] })
    }
    entries.push(one)
  }
  return entries
}

function keyOf(entry: Entry | undefined): string {
  if (entry === undefined) return ''
  return 'title' in entry ? `title ${entry.title}` : entry.id
}
