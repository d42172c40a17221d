import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../icons.tsx'
import { ALONG, moveByArrows, within } from '../arrows.ts'
import { jumpToDay, shownPins } from '../state/open.ts'
import { dayName } from '../words/format.ts'
import { words } from '../words/words.ts'

interface DayBarProps {
  /** The day of the first row in sight; undefined when there is none. */
  readonly dayMs: number | undefined
  readonly onJumped: () => void
}

/** The day that one reads, and the way to another. */
export function DayBar({ dayMs, onJumped }: DayBarProps) {
  const text = words.value
  const isOpen = useSignal(false)
  const button = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    isOpen.value = false
    requestAnimationFrame(() => button.current?.focus())
  }
  return (
    <div class="day-bar">
      {isOpen.value ? (
        <DayForm
          dayMs={dayMs ?? Date.now()}
          onClose={close}
          onDay={(wantedMs) => {
            isOpen.value = false
            void jumpToDay(wantedMs).then(onJumped)
          }}
        />
      ) : (
        <button
          type="button"
          class="day-button"
          // With what is pinned it is one stop of Tab.
          tabIndex={shownPins.value.length > 0 ? -1 : 0}
          onKeyDown={(event) =>
            moveByArrows(
              event,
              ALONG,
              event.currentTarget,
              within(event.currentTarget.closest('.conversation'), '.pin, .day-button'),
            )
          }
          ref={button}
          title={text.jumpToDate}
          aria-label={dayMs === undefined ? text.jumpToDate : `${dayName(dayMs)}. ${text.jumpToDate}`}
          onClick={() => {
            isOpen.value = true
          }}
        >
          <Icon name="calendar" />
          <span>{dayMs === undefined ? text.jumpToDate : dayName(dayMs)}</span>
        </button>
      )}
    </div>
  )
}

interface DayFormProps {
  readonly dayMs: number
  readonly onClose: () => void
  readonly onDay: (dayMs: number) => void
}

function DayForm({ dayMs, onClose, onDay }: DayFormProps) {
  const text = words.value
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  return (
    <form
      class="day-form"
      onSubmit={(event) => {
        event.preventDefault()
        const [year = 0, month = 1, date = 1] = (input.current?.value ?? '').split('-').map(Number)
        onDay(new Date(year, month - 1, date).getTime())
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        onClose()
      }}
    >
      <input
        type="date"
        required
        ref={input}
        aria-label={text.jumpToDate}
        defaultValue={dayText(dayMs)}
        max={dayText(Date.now())}
      />
      <button type="submit">{text.show}</button>
      <button type="button" class="icon-button" aria-label={text.close} onClick={onClose}>
        <Icon name="close" />
      </button>
    </form>
  )
}

/** `2026-11-28`, as the field has it. */
function dayText(atMs: number): string {
  const at = new Date(atMs)
  const [month, date] = [at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, '0'))
  return `${String(at.getFullYear()).padStart(4, '0')}-${month ?? ''}-${date ?? ''}`
}
