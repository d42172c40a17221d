import { useComputed } from '@preact/signals'
import type { Arrived } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { ALONG, moveByArrows, within } from '../arrows.ts'
import { BackLink } from '../back-link.tsx'
import { Avatar } from '../sidebar/avatar.tsx'
import { type Conversation, openConversation } from '../state/conversations.ts'
import { choose, goOn, notGranted, shownPins, stream } from '../state/open.ts'
import { lostAtMs } from '../state/outage.ts'
import { isDetailsShown, isSearchOpen } from '../state/layout.ts'
import { telemetryStyle } from '../state/settings.ts'
import { Icon } from '../icons.tsx'
import { rate } from '../words/format.ts'
import { words } from '../words/words.ts'
import { Composer } from './composer.tsx'
import { fieldsOf, Measurements } from './measurements.tsx'
import { Search } from './search.tsx'
import { StreamList } from './stream-list.tsx'

/** The middle column: what was said, and where one writes. */
export function ConversationView({
  conversation,
  isCovered,
}: {
  readonly conversation: Conversation
  readonly isCovered: boolean
}) {
  return (
    <main class="conversation" tabIndex={-1} aria-label={conversation.name} inert={isCovered}>
      <Head conversation={conversation} />
      {isSearchOpen.value && <Search filter={conversation.filter} />}
      {notGranted.value !== undefined && (
        <p class="not-granted" role="status" title={notGranted.value}>
          {words.value.notGranted}
        </p>
      )}
      <Pins />
      <StreamList topic={conversation.filter} />
      <Composer key={conversation.id} conversation={conversation} />
    </main>
  )
}

function Head({ conversation }: { readonly conversation: Conversation }) {
  const text = words.value
  const { isPaused } = stream.value
  const isDevice = conversation.kind === 'device'
  return (
    <header class="head">
      <BackLink />
      <Avatar conversation={conversation} />
      <div class="head-text">
        <h1>
          <bdi>{visible(conversation.name)}</bdi>
        </h1>
        <p>
          {isDevice && lostAtMs.value !== undefined ? (
            <span>{text.presenceUnknown}</span>
          ) : (
            <code class="from-end" title={conversation.filter}>
              <bdi dir="ltr">{visible(conversation.filter)}</bdi>
            </code>
          )}
          <Rate />
        </p>
      </div>
      {/* One stop of Tab. */}
      <div
        class="head-tools"
        role="toolbar"
        aria-label={text.tools}
        onKeyDown={(event) => moveByArrows(event, ALONG, event.currentTarget, within(event.currentTarget, 'button'))}
      >
        {isDevice && <FoldButton />}
        <button
          tabIndex={isDevice ? -1 : 0}
          type="button"
          class="icon-button"
          aria-pressed={isSearchOpen.value}
          aria-label={text.search}
          title={`${text.search} (/)`}
          onClick={() => {
            isSearchOpen.value = !isSearchOpen.value
          }}
        >
          <Icon name="search" />
        </button>
        <button
          tabIndex={-1}
          type="button"
          class="icon-button"
          aria-pressed={isPaused.value}
          aria-label={isPaused.value ? text.resume : text.pause}
          title={isPaused.value ? text.paused : text.pause}
          onClick={() => {
            if (isPaused.value) void goOn(stream.value)
            else stream.value.pause()
          }}
        >
          <Icon name={isPaused.value ? 'play' : 'pause'} />
        </button>
        <button
          tabIndex={-1}
          type="button"
          class="icon-button"
          aria-pressed={isDetailsShown.value}
          aria-label={text.details}
          title={text.details}
          onClick={() => {
            isDetailsShown.value = !isDetailsShown.value
          }}
        >
          <Icon name="details" />
        </button>
      </div>
    </header>
  )
}

function FoldButton() {
  const text = words.value
  const isFolded = telemetryStyle.value === 'folded'
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={isFolded}
      aria-label={text.foldTelemetry}
      title={isFolded ? text.foldTelemetry : text.eachTelemetry}
      onClick={() => {
        telemetryStyle.value = isFolded ? 'each' : 'folded'
      }}
    >
      <Icon name="wave" />
    </button>
  )
}

/** A busy conversation says how busy, in a number that does not race. */
function Rate() {
  const shown = useComputed(() => stream.value.rate.value)
  return shown.value >= 5 ? <span class="rate">{rate(shown.value)}</span> : null
}

function Pins() {
  const shown = shownPins.value
  if (shown.length === 0) return null
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys are of the buttons in it
    <section
      class="pins"
      aria-label={words.value.pinned}
      onKeyDown={(event) =>
        moveByArrows(event, ALONG, event.currentTarget, within(event.currentTarget.parentElement, '.pin, .day-button'))
      }
    >
      <Icon name="pin" />
      <ul>
        {shown.map((pin, index) => (
          <Pin key={pin.topic} pin={pin} isStop={index === 0} />
        ))}
      </ul>
    </section>
  )
}

function Pin({ pin, isStop }: { readonly pin: Arrived; readonly isStop: boolean }) {
  return (
    <li>
      <button type="button" class="pin" tabIndex={isStop ? 0 : -1} title={pin.topic} onClick={() => choose(pin)}>
        {pin.topic !== openConversation.value?.filter && <span>{visible(pin.topic.split('/').at(-1) ?? '')}</span>}
        {fieldsOf(pin).length > 0 ? <Measurements message={pin} /> : <bdi>{pin.chat?.text ?? pin.preview}</bdi>}
      </button>
    </li>
  )
}
