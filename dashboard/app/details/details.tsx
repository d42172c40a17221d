import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Announcement } from '../../worker/announcement.ts'
import type { Arrived } from '../../worker/protocol.ts'
import { Icon } from '../icons.tsx'
import { type Conversation, forget, pinnedIds, save, savedIds, togglePinned } from '../state/conversations.ts'
import { isDetailsShown, isOverlaid } from '../state/layout.ts'
import { announcementOf } from '../state/announcements.ts'
import { presenceOf } from '../state/presence.ts'
import { chosen } from '../state/open.ts'
import { bytes, exactTime } from '../words/format.ts'
import { number, words } from '../words/words.ts'
import { Commands } from './commands.tsx'
import { Facts } from './facts.tsx'
import { DeviceValues, LastValues } from './last-values.tsx'
import { PayloadView } from './payload-view.tsx'
import { SessionPart } from './session-part.tsx'
import { Why } from './why.tsx'

/** Topics that are offered to ask about. */
const WHY_TOPICS = 100

/** The right column: the message that is chosen, else the conversation. */
export function Details({ conversation }: { readonly conversation: Conversation }) {
  const text = words.value
  const message = chosen.value
  const closer = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => {
    if (!isOverlaid.peek()) return undefined
    const before = document.activeElement
    closer.current?.focus()
    return () => {
      // What is covered takes no focus until it is drawn anew.
      if (before instanceof HTMLElement) requestAnimationFrame(() => before.focus())
    }
  }, [])
  return (
    <aside
      class="details"
      aria-label={text.details}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        close()
      }}
    >
      <header class="details-head">
        <h2>{message === undefined ? text.details : text.message}</h2>
        <button type="button" class="icon-button" ref={closer} aria-label={text.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="details-body">
        {message === undefined ? (
          <About conversation={conversation} />
        ) : (
          <OfMessage key={message.id} message={message} />
        )}
      </div>
    </aside>
  )
}

/** Of a message it goes back to the conversation. */
function close(): void {
  if (chosen.peek() === undefined) isDetailsShown.value = false
  else chosen.value = undefined
}

function About({ conversation }: { readonly conversation: Conversation }) {
  const text = words.value
  const { id, kind } = conversation
  return (
    <>
      <p class="buttons">
        <button type="button" onClick={() => togglePinned(id)}>
          <Icon name="pin" /> {pinnedIds.value.has(id) ? text.unpin : text.pin}
        </button>
        {kind !== 'device' && (
          <button type="button" onClick={() => (savedIds.value.has(id) ? forget(id) : save(id))}>
            <Icon name={savedIds.value.has(id) ? 'close' : 'plus'} />
            {savedIds.value.has(id) ? text.forgetChannel : text.saveChannel}
          </button>
        )}
      </p>
      {kind === 'device' ? <Device key={id} conversation={conversation} /> : <LastValues conversation={conversation} />}
    </>
  )
}

function Device({ conversation }: { readonly conversation: Conversation }) {
  const text = words.value
  const { name, clientId, last } = conversation
  // Topics change with the feed, and `last` with them.
  void last.value
  const announcement = announcementOf(name)
  const state = presenceOf(clientId.value)
  return (
    <>
      {announcement !== undefined && (
        <Facts
          facts={[
            [text.deviceName, announcement.name],
            [text.deviceKind, announcement.kind],
            [text.deviceId, name],
          ]}
        />
      )}
      <SessionPart conversation={conversation} clientId={clientId.value} />
      {announcement !== undefined && <Commands name={name} announcement={announcement} />}
      <DeviceValues name={name} announcement={announcement} />
      <Why clientId={clientId.value} state={state} topics={topicsFor(conversation, announcement)} />
    </>
  )
}

/** What others publish for a device, as far as the page knows: what came, then its commands. */
function topicsFor({ name, clientId, topics }: Conversation, announcement: Announcement | undefined): string[] {
  const others = [...topics.values()].filter(({ publisher }) => publisher !== clientId.value).map(({ topic }) => topic)
  const commands = announcement?.commands.map((command) => `devices/${name}/cmd/${command.name}`) ?? []
  return [...new Set([...others, ...commands])].slice(0, WHY_TOPICS)
}

function OfMessage({ message }: { readonly message: Arrived }) {
  const text = words.value
  const { topic, atMs, publisher, qos, retain, isDuplicate, properties, omittedProperties } = message
  const facts: readonly (readonly [string, string | undefined])[] = [
    [text.topic, topic],
    [text.receivedAt, exactTime(atMs)],
    [text.publisher, publisher],
    ['QoS', String(qos)],
    [text.size, bytes(message.bytes)],
    [text.retain, retain ? '✓' : undefined],
    ['DUP', isDuplicate ? '✓' : undefined],
    ...properties,
  ]
  return (
    <>
      <Facts facts={facts} />
      {omittedProperties > 0 && <p class="quiet">{text.andMore(number(omittedProperties))}</p>}
      <PayloadView message={message} />
    </>
  )
}
