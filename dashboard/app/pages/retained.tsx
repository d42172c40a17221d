import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Arrived } from '../../worker/protocol.ts'
import { Icon } from '../icons.tsx'
import { apiUrl, ask } from '../state/api.ts'
import { past } from '../state/hub.ts'
import { bytes } from '../words/format.ts'
import { count, words } from '../words/words.ts'

const PAGE = 200

interface Deletion {
  readonly messages: number
  readonly undoToken: string | null
}

/** What the hub retains: searched, looked at, deleted by filter, put back. */
export function Retained() {
  const text = words.value
  const filter = useSignal('#')
  const found = useSignal<readonly Arrived[]>([])
  const fault = useSignal<string | undefined>(undefined)
  const asked = useSignal<Deletion | undefined>(undefined)
  const done = useSignal<{ text: string; undoToken: string | null } | undefined>(undefined)
  const load = async (): Promise<void> => {
    const page = await past(apiUrl('retained', { filter: filter.value, limit: PAGE }))
    found.value = page.messages
    fault.value = page.fault
  }
  const remove = async (dryRun: boolean): Promise<void> => {
    try {
      const answer = await ask<Deletion>('DELETE', apiUrl('retained', { filter: filter.value, dryRun: String(dryRun) }))
      asked.value = dryRun ? answer : undefined
      if (dryRun) return
      done.value = { text: text.deleted(count(answer.messages, text.messages)), undoToken: answer.undoToken }
      await load()
    } catch (error) {
      fault.value = String(error)
    }
  }
  const undo = async (undoToken: string): Promise<void> => {
    const { restored } = await ask<{ restored: number }>('POST', apiUrl('retained/undo'), { undoToken })
    done.value = { text: text.restored(count(restored, text.messages)), undoToken: null }
    await load()
  }
  useEffect(() => void load(), [filter.value])
  return (
    <main class="page">
      <h1>{text.retained}</h1>
      <div class="toolbar">
        <label class="field field-grow">
          <span>{text.filterLabel}</span>
          <input
            value={filter.value}
            spellcheck={false}
            onInput={({ currentTarget }) => {
              filter.value = currentTarget.value
              asked.value = undefined
            }}
          />
        </label>
        <button type="button" class="danger" disabled={found.value.length === 0} onClick={() => void remove(true)}>
          {text.deleteAll}
        </button>
      </div>
      <div role="status">
        {asked.value !== undefined && (
          <p class="ask">
            {text.deleteAsk(count(asked.value.messages, text.messages))}
            <button type="button" class="danger" onClick={() => void remove(false)}>
              {text.delete}
            </button>
            <button
              type="button"
              onClick={() => {
                asked.value = undefined
              }}
            >
              {text.cancel}
            </button>
          </p>
        )}
        {done.value !== undefined && (
          <p class="ask">
            {done.value.text}
            {done.value.undoToken !== null && (
              <button type="button" onClick={() => void undo(done.value?.undoToken ?? '')}>
                {text.undo}
              </button>
            )}
          </p>
        )}
        {fault.value !== undefined && <p class="fault">{fault.value}</p>}
      </div>
      {found.value.length === 0 ? (
        <div class="empty">
          <Icon name="tray" />
          <p>{text.noRetained}</p>
        </div>
      ) : (
        <table class="rows rows-wide">
          <tbody>
            {found.value.map((message) => (
              <tr key={message.topic}>
                <th scope="row">
                  <bdi>{message.topic}</bdi>
                </th>
                <td class="rows-value">
                  <bdi>{message.preview}</bdi>
                </td>
                <td>Q{message.qos}</td>
                <td>{bytes(message.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </main>
  )
}
