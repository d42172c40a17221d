import { useComputed } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { ALONG, DOWN, moveByArrows, within } from '../arrows.ts'
import { dayAfter, dayAt } from '../state/days.ts'
import { openConversation } from '../state/conversations.ts'
import { isMine } from '../state/identity.ts'
import { goOn, loadOlder, pastState, stream } from '../state/open.ts'
import { messageStyle } from '../state/settings.ts'
import type { Row } from '../state/rows.ts'
import type { Stream } from '../state/stream.ts'
import { dayName } from '../words/format.ts'
import { filterFault } from '../state/topic-filter.ts'
import { number, words } from '../words/words.ts'
import { Unknown } from '../as-of.tsx'
import { Icon } from '../icons.tsx'
import { DayBar } from './day-bar.tsx'
import { StreamRow } from './message-row.tsx'
import { useVirtual } from './use-virtual.ts'

const ROW_PIXELS = { lines: 28, bubbles: 56 } as const
const DAY_PIXELS = 32
/** From so near to the top on, older messages are read. */
const OLDER_PIXELS = 300

/** The messages of a conversation: only those in sight are in the page. */
export function StreamList({ topic }: { readonly topic: string }) {
  // A new stream is a new list, at its newest message.
  return <Rows key={messageStyle.value} current={stream.value} topic={topic} />
}

function Rows({ current, topic }: { readonly current: Stream; readonly topic: string }) {
  const scroller = useRef<HTMLDivElement>(null)
  void current.version.value
  const { rows } = current
  const style = messageStyle.value
  const virtualizer = useVirtual({
    scroller,
    count: rows.length,
    pixelsOf: (index) => ROW_PIXELS[style] + (dayAfter(rows, index) === undefined ? 0 : DAY_PIXELS),
    keyOf: (index) => rows[index]?.key ?? index,
    isChat: true,
    moved: (instance) => {
      current.seeEnd(instance.isAtEnd(24))
      if ((instance.scrollOffset ?? 0) < OLDER_PIXELS && current.rows.length > 0) void loadOlder(instance.isScrolling)
    },
  })
  const isEmpty = rows.length === 0
  const startKey = current.startKey.value
  useLayoutEffect(() => {
    if (isEmpty) return
    const index = rows.findIndex(({ key }) => key === startKey)
    if (index === -1) virtualizer.scrollToEnd()
    else virtualizer.scrollToIndex(index, { align: current.startAlign })
  }, [current, isEmpty, startKey])
  const items = virtualizer.getVirtualItems()
  const first = items[0]
  const top = virtualizer.getVirtualItemForOffset(virtualizer.scrollOffset ?? 0)
  return (
    <>
      <DayBar dayMs={dayAt(rows, top?.index ?? 0)} onJumped={() => scroller.current?.focus()} />
      <div class="stream">
        <div
          class={`scroller scroller-${style}`}
          ref={scroller}
          role="log"
          aria-label={words.value.message}
          aria-live="off"
          tabIndex={0}
          onKeyDown={(event) => {
            const firsts = within(scroller.current, '.row').flatMap((row) => within(row, 'button').slice(0, 1))
            moveByArrows(event, DOWN, scroller.current, firsts)
            if (event.target !== scroller.current) {
              const row = rowOf(event.target)
              moveByArrows(event, ALONG, row, within(row, 'button.value, .tick'))
            }
          }}
        >
          {isEmpty && pastState.value !== 'loading' && <Empty />}
          <div class="canvas" style={{ height: `${virtualizer.getTotalSize()}px` }}>
            <div class="window" style={{ transform: `translateY(${first?.start ?? 0}px)` }}>
              {items.map(({ index, key }) => {
                const row = rows[index]
                if (row === undefined) return null
                return (
                  <div
                    key={key}
                    class="row"
                    data-index={index}
                    ref={style === 'bubbles' ? virtualizer.measureElement : null}
                  >
                    <StreamRow
                      row={row}
                      message={row.kind === 'message' ? row.message : undefined}
                      times={row.kind === 'message' ? row.times : 1}
                      topic={topic}
                      isContinued={isContinued(rows, index)}
                    />
                    <DayMark dayMs={dayAfter(rows, index)} />
                  </div>
                )
              })}
            </div>
          </div>
        </div>
        {pastState.value === 'more' && virtualizer.getTotalSize() < (scroller.current?.clientHeight ?? 0) && (
          <button type="button" class="pill older" onClick={() => void loadOlder(true)}>
            {words.value.older}
          </button>
        )}
        <NewMessages current={current} onJump={() => virtualizer.scrollToEnd()} />
      </div>
    </>
  )
}

/** Between two days, below the last row of the first. */
function DayMark({ dayMs }: { readonly dayMs: number | undefined }) {
  if (dayMs === undefined) return null
  return <p class="day">{dayName(dayMs)}</p>
}

function NewMessages({ current, onJump }: { readonly current: Stream; readonly onJump: () => void }) {
  const text = words.value
  const isShown = useComputed(() => current.unseen.value > 0)
  return (
    <div class="to-newest" role="status">
      {isShown.value && (
        <button
          type="button"
          class="pill"
          title={text.toNewest}
          onClick={() => {
            void goOn(current)
            onJump()
          }}
        >
          {text.newMessages(number(current.unseen.value))}
          <Icon name="down" />
        </button>
      )}
    </div>
  )
}

function Empty() {
  if (pastState.value === 'unknown') {
    return (
      <div class="empty">
        <Icon name="chat" />
        <Unknown />
      </div>
    )
  }
  const fault = filterFault(openConversation.value?.filter ?? '')
  if (fault !== undefined) return <p class="empty fault">{words.value[fault]}</p>
  return (
    <div class="empty">
      <Icon name="chat" />
      <h2>{words.value.noMessages}</h2>
      <p>{words.value.noMessagesHelp}</p>
    </div>
  )
}

function rowOf(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest('.row') : null
}

function isContinued(rows: readonly Row[], index: number): boolean {
  const above = rows[index - 1]
  const row = rows[index]
  if (above === undefined || row === undefined || dayAfter(rows, index - 1) !== undefined) return false
  return speakerOf(above) === speakerOf(row)
}

function speakerOf(row: Row): string {
  if (row.kind === 'note' || row.kind === 'reply') return `${row.kind} ${row.key}`
  if (row.kind === 'sent' || row.send !== undefined || isMine(row.message.publisher)) return 'me'
  return row.message.chat?.from ?? row.message.publisher ?? row.message.topic
}
