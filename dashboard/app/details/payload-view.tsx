import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Arrived, JsonPath, PayloadRow, PayloadView as View } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { messageBefore } from '../state/before.ts'
import { compare, look } from '../state/hub.ts'
import { bytes } from '../words/format.ts'
import { words } from '../words/words.ts'
import { PathChart } from './path-chart.tsx'

/** Rows that are drawn at first; the rest on demand. */
const FIRST_ROWS = 200

/** Where a line of JSON may be broken, lest that is done within a word. */
const BREAK = /(?<=[,{[]|":)(?=\S)/
/** More places to break at than a page should have. */
const MAX_BREAKS = 1000
/** Longer lines are broken anywhere. */
const MAX_BROKEN = 20_000

interface Shown {
  readonly view: View | 'changes'
  readonly rows: readonly PayloadRow[]
  readonly left: number
}

/** A payload as tree, text or bytes; the worker makes the rows, so a large one does not stop the page. */
export function PayloadView({ message }: { readonly message: Arrived }) {
  const text = words.value
  const view = useSignal<View | 'changes'>(
    message.form === 'json' ? 'json' : message.form === 'binary' ? 'hex' : 'text',
  )
  const shown = useSignal<Shown | undefined>(undefined)
  const limit = useSignal(FIRST_ROWS)
  const charted = useSignal<JsonPath | undefined>(undefined)
  const wanted = view.value
  useEffect(() => {
    let isStale = false
    const load = async (): Promise<void> => {
      const answer = wanted === 'changes' ? await changesOf(message) : await look(message.id, wanted)
      if (!isStale) shown.value = { ...answer, view: wanted }
    }
    void load()
    return () => {
      isStale = true
    }
  }, [message.id, wanted])
  const tabs: readonly (readonly [View | 'changes', string])[] = [
    ['json', text.tree],
    ['changes', text.difference],
    ['text', text.raw],
    ['hex', text.hex],
  ]
  const { rows = [], left = 0, view: drawn = wanted } = shown.value ?? {}
  return (
    <div class="payload">
      <div class="segments" role="radiogroup" aria-label={text.message}>
        {tabs.map(([name, label]) => (
          <label key={name} class="segment">
            <input
              type="radio"
              name="payload-view"
              checked={wanted === name}
              onChange={() => {
                view.value = name
              }}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      <div
        class={`payload-rows payload-${drawn}`}
        tabIndex={0}
        role="region"
        aria-label={text.message}
        aria-busy={shown.value?.view !== wanted}
      >
        {shown.value !== undefined && rows.length === 0 && (
          <p class="quiet">
            {drawn === 'changes' ? text.noDifference : message.bytes === 0 ? text.empty : text.payloadGone}
          </p>
        )}
        {drawn === 'text' && <TextLines rows={rows.slice(0, limit.value)} />}
        {(drawn === 'text' ? [] : rows.slice(0, limit.value)).map(({ depth, key, text: value, type, path }, index) => (
          <div
            key={index}
            class={`payload-row payload-${type}`}
            style={{ paddingInlineStart: `${Math.min(depth, 24) * 14}px` }}
          >
            {key !== '' && <span class="payload-key">{key}</span>}
            {type === 'number' && path !== undefined ? (
              <button
                type="button"
                class="payload-charted"
                title={text.chartOf(visible(path.join(' › ')))}
                onClick={() => {
                  charted.value = path
                }}
              >
                {value}
              </button>
            ) : (
              <bdi>{value}</bdi>
            )}
          </div>
        ))}
        {rows.length > limit.value && (
          <button
            type="button"
            onClick={() => {
              limit.value += 1000
            }}
          >
            {text.more}
          </button>
        )}
        {left > 0 && <p class="quiet">{text.leftOut(bytes(left))}</p>}
      </div>
      {charted.value !== undefined && <PathChart topic={message.topic} path={charted.value} />}
    </div>
  )
}

/** A text as it was written: what is copied of it has its line breaks and no others. */
function TextLines({ rows }: { readonly rows: readonly PayloadRow[] }) {
  const lines: string[] = []
  for (const { text, isContinued = false } of rows) {
    if (isContinued) lines[lines.length - 1] += text
    else lines.push(text)
  }
  let breaksLeft = MAX_BREAKS
  return (
    <div class="payload-lines">
      {lines.map((line, index) => {
        const parts = line.length > MAX_BROKEN ? [line] : line.split(BREAK)
        const isBroken = parts.length - 1 <= breaksLeft
        if (isBroken) breaksLeft -= parts.length - 1
        return (
          <Fragment key={index}>
            {index > 0 && '\n'}
            <bdi class="payload-row">{isBroken ? parts.flatMap((part) => [<wbr />, part]).slice(1) : line}</bdi>
          </Fragment>
        )
      })}
    </div>
  )
}

/** What is other than in the message before it on the same topic; all of it when there was none. */
async function changesOf(message: Arrived): Promise<{ rows: readonly PayloadRow[]; left: number }> {
  const before = await messageBefore(message)
  if (before !== undefined) return compare(message.id, before.id)
  return { rows: [{ depth: 0, key: '', text: words.peek().nothingBefore, type: 'text' }], left: 0 }
}
