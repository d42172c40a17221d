import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Arrived } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { Icon } from '../icons.tsx'
import type { Answer } from '../../../src/http/api-types.ts'
import { apiUrl, ask } from '../state/api.ts'
import { past } from '../state/hub.ts'
import { filterFault } from '../state/topic-filter.ts'
import { bytes, duration } from '../words/format.ts'
import { count, words } from '../words/words.ts'
import { PageHead } from './page-head.tsx'

const PAGE = 200
/** So that not every letter asks the hub. */
const TYPING_MS = 200

interface Wanted {
  readonly filter: string
  readonly text: string | undefined
}

interface Asked extends Answer<'DELETE /retained'> {
  readonly wanted: Wanted
}

/** What the hub retains: searched, looked at, deleted one by one or by filter, put back. */
export function Retained() {
  const text = words.value
  const filter = useSignal('#')
  const search = useSignal('')
  const found = useSignal<readonly Arrived[]>([])
  const cursor = useSignal<string | null>(null)
  const fault = useSignal<string | undefined>(undefined)
  const asked = useSignal<Asked | undefined>(undefined)
  const done = useSignal<{ text: string; undoToken: string | null } | undefined>(undefined)
  const wanted: Wanted = { filter: filter.value, text: search.value === '' ? undefined : search.value }
  const wrong = filterFault(filter.value)
  const load = async (from?: string): Promise<void> => {
    const page = await past(
      apiUrl('GET /retained', { query: { payload: 'full', ...wanted, limit: PAGE, cursor: from } }),
    )
    found.value = from === undefined ? page.messages : [...found.value, ...page.messages]
    cursor.value = page.nextCursor
    fault.value = page.fault
  }
  const attempt = (work: () => Promise<void>): void => {
    work().catch((error: unknown) => {
      fault.value = error instanceof Error ? error.message : String(error)
    })
  }
  const remove = async (what: Wanted, dryRun: boolean): Promise<void> => {
    const answer = await ask('DELETE /retained', { query: { ...what, dryRun } })
    asked.value = dryRun ? { ...answer, wanted: what } : undefined
    if (dryRun) return
    done.value = { text: text.deleted(count(answer.messages, text.messages)), undoToken: answer.undoToken }
    await load()
  }
  const undo = async (undoToken: string): Promise<void> => {
    const { restored } = await ask('POST /retained/undo', { body: { undoToken } })
    done.value = { text: text.restored(count(restored, text.messages)), undoToken: null }
    await load()
  }
  useEffect(() => {
    asked.value = undefined
    if (wrong !== undefined) return undefined
    const timer = setTimeout(() => attempt(() => load()), found.value.length === 0 ? 0 : TYPING_MS)
    return () => clearTimeout(timer)
  }, [filter.value, search.value])
  return (
    <main class="page">
      <PageHead title={text.retained} />
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
        <button
          type="button"
          class="danger"
          disabled={found.value.length === 0 || wrong !== undefined}
          onClick={() => attempt(() => remove(wanted, true))}
        >
          {text.deleteAll}
        </button>
      </div>
      <div role="status" class="status">
        {wrong !== undefined && <p class="fault">{text[wrong]}</p>}
        {fault.value !== undefined && <p class="fault">{fault.value}</p>}
        {asked.value !== undefined && (
          <Question
            asked={asked.value}
            confirm={(what) => attempt(() => remove(what, false))}
            cancel={() => (asked.value = undefined)}
          />
        )}
        {done.value !== undefined && (
          <p class="ask">
            {done.value.text}
            {done.value.undoToken !== null && (
              <button type="button" onClick={() => attempt(() => undo(done.value?.undoToken ?? ''))}>
                {text.undo}
              </button>
            )}
          </p>
        )}
      </div>
      {found.value.length === 0 ? (
        <div class="empty">
          <Icon name="tray" />
          <p>{text.noRetained}</p>
        </div>
      ) : (
        <Table
          messages={found.value}
          remove={({ topic }) => attempt(() => remove({ filter: topic, text: undefined }, true))}
        />
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

interface QuestionProps {
  readonly asked: Asked
  readonly confirm: (wanted: Wanted) => void
  readonly cancel: () => void
}

/** How many it would be, before anything is deleted. */
function Question({ asked, confirm, cancel }: QuestionProps) {
  const text = words.value
  return (
    <p class="ask">
      <span>
        <code>{asked.wanted.filter}</code> · {bytes(asked.bytes)}
      </span>
      {text.deleteAsk(count(asked.messages, text.messages))}
      {!asked.canUndo && <b>{text.noUndo}</b>}
      <button type="button" class="danger" onClick={() => confirm(asked.wanted)}>
        {text.delete}
      </button>
      <button type="button" onClick={cancel}>
        {text.cancel}
      </button>
    </p>
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
                <bdi>{message.preview}</bdi>
              </td>
              <td>{message.qos}</td>
              <td title={message.atMs === 0 ? text.ageUnknown : new Date(message.atMs).toLocaleString()}>
                {message.atMs === 0 ? '–' : duration(Date.now() - message.atMs)}
              </td>
              <td>{bytes(message.bytes)}</td>
              <td>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`${text.delete}: ${message.topic}`}
                  title={text.delete}
                  onClick={() => remove(message)}
                >
                  <Icon name="close" />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
