import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Unknown } from '../as-of.tsx'
import type { Arrived } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { Icon } from '../icons.tsx'
import { apiUrl } from '../state/api.ts'
import { past } from '../state/hub.ts'
import { lostAtMs } from '../state/outage.ts'
import { isOperator } from '../state/session.ts'
import { filterFault } from '../state/topic-filter.ts'
import { bytes, duration, exactTime } from '../words/format.ts'
import { words } from '../words/words.ts'
import { RemovalState, useRemoval, type Wanted } from '../removal.tsx'
import { PageHead } from './page-head.tsx'

const PAGE = 200
/** So that not every letter asks the hub. */
const TYPING_MS = 200

/** What the hub retains: searched, looked at, deleted one by one or by filter, put back. */
export function Retained() {
  const text = words.value
  const filter = useSignal('#')
  const search = useSignal('')
  /** Undefined: not known yet. */
  const found = useSignal<readonly Arrived[] | undefined>(undefined)
  const foundAtMs = useSignal(0)
  const cursor = useSignal<string | null>(null)
  const wanted: Wanted = { filter: filter.value, text: search.value === '' ? undefined : search.value }
  const wrong = filterFault(filter.value)
  const isLost = lostAtMs.value !== undefined
  const all = found.value ?? []
  const load = async (from?: string): Promise<void> => {
    const page = await past(
      apiUrl('GET /retained', { query: { payload: 'short', ...wanted, limit: PAGE, cursor: from } }),
    )
    // What was found before is still the best that is known.
    if (!page.isAnswered) return
    fault.value = page.fault
    found.value = from === undefined ? page.messages : [...(found.value ?? []), ...page.messages]
    foundAtMs.value = Date.now()
    cursor.value = page.nextCursor
  }
  const removal = useRemoval(() => load())
  const { attempt, fault } = removal
  useEffect(() => {
    removal.asked.value = undefined
    if (wrong !== undefined || isLost) return undefined
    const timer = setTimeout(() => attempt(() => load()), all.length === 0 ? 0 : TYPING_MS)
    return () => clearTimeout(timer)
  }, [filter.value, search.value, isLost])
  return (
    <main class="page" tabIndex={-1} data-lost={isLost}>
      <PageHead title={text.retained} asOfMs={isLost && found.value !== undefined ? foundAtMs.value : undefined} />
      <div class="toolbar">
        <label class="field field-grow">
          <span>{text.searchShort}</span>
          <input
            type="search"
            value={search.value}
            placeholder={text.retainedSearch}
            onInput={({ currentTarget }) => (search.value = currentTarget.value)}
          />
        </label>
        <label class="field field-grow">
          <span>{text.filterLabel}</span>
          <input
            value={filter.value}
            spellcheck={false}
            aria-invalid={wrong !== undefined}
            onInput={({ currentTarget }) => (filter.value = currentTarget.value)}
          />
        </label>
        {isOperator.value && (
          <button
            type="button"
            class="danger"
            disabled={all.length === 0 || wrong !== undefined || isLost}
            onClick={() => removal.ask(wanted)}
          >
            {text.deleteAll}
          </button>
        )}
      </div>
      <div role="status" class="status">
        {wrong !== undefined && <p class="fault">{text[wrong]}</p>}
        <RemovalState removal={removal} />
      </div>
      {all.length === 0 ? (
        <Nothing isKnown={found.value !== undefined && fault.value === undefined && !isLost} isLost={isLost} />
      ) : (
        <Table messages={all} remove={({ topic }) => removal.ask({ filter: topic, text: undefined })} />
      )}
      {cursor.value !== null && (
        <p class="buttons">
          <button type="button" onClick={() => attempt(() => load(cursor.value ?? undefined))}>
            {text.more}
          </button>
        </p>
      )}
    </main>
  )
}

/** Nothing is there, if that is known. */
function Nothing({ isKnown, isLost }: { readonly isKnown: boolean; readonly isLost: boolean }) {
  if (!isKnown && !isLost) return null
  return (
    <div class="empty">
      <Icon name="tray" />
      {isLost ? <Unknown /> : <p>{words.value.noRetained}</p>}
    </div>
  )
}

interface TableProps {
  readonly messages: readonly Arrived[]
  readonly remove: (message: Arrived) => void
}

function Table({ messages, remove }: TableProps) {
  const text = words.value
  return (
    <div class="table-frame" role="region" aria-label={text.retained} tabIndex={0}>
      <table class="rows rows-wide">
        <thead>
          <tr>
            <th scope="col">{text.topic}</th>
            <th scope="col">{text.value}</th>
            <th scope="col">QoS</th>
            <th scope="col">{text.age}</th>
            <th scope="col">{text.size}</th>
            <th scope="col">
              <span class="for-readers">{text.delete}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {messages.map((message) => (
            <tr key={message.topic}>
              <th scope="row">
                <bdi>{visible(message.topic)}</bdi>
              </th>
              <td class="rows-value">
                <bdi>
                  {message.preview}
                  {message.isCut && '…'}
                </bdi>
              </td>
              <td>{message.qos}</td>
              <td title={message.atMs === 0 ? text.ageUnknown : exactTime(message.atMs)}>
                {message.atMs === 0 ? '–' : duration(Date.now() - message.atMs)}
              </td>
              <td>{bytes(message.bytes)}</td>
              <td>
                {isOperator.value && (
                  <button
                    type="button"
                    class="icon-button"
                    aria-label={`${text.delete}: ${message.topic}`}
                    title={text.delete}
                    onClick={() => remove(message)}
                  >
                    <Icon name="close" />
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
