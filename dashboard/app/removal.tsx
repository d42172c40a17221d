import { type Signal, useSignal } from '@preact/signals'
import type { Answer } from '../../src/http/api-types.ts'
import { ask } from './state/api.ts'
import { bytes } from './words/format.ts'
import { count, words } from './words/words.ts'

/** Which retained messages are meant. */
export interface Wanted {
  readonly filter: string
  readonly text: string | undefined
}

interface Asked extends Answer<'DELETE /retained'> {
  readonly wanted: Wanted
}

interface Done {
  readonly text: string
  readonly undoToken: string | null
}

/** The deletion of retained messages: counted and asked first, and taken back if that is possible. */
export interface Removal {
  readonly asked: Signal<Asked | undefined>
  readonly done: Signal<Done | undefined>
  readonly fault: Signal<string | undefined>
  /** Does what may fail, and shows why it did. */
  readonly attempt: (work: () => Promise<void>) => void
  /** Counts, and asks. */
  readonly ask: (wanted: Wanted) => void
  readonly confirm: () => void
  readonly undo: (undoToken: string) => void
}

/** `changed` is called after a deletion and after what took it back. */
export function useRemoval(changed: () => Promise<void>): Removal {
  const text = words.value
  const asked = useSignal<Asked | undefined>(undefined)
  const done = useSignal<Done | undefined>(undefined)
  const fault = useSignal<string | undefined>(undefined)
  const attempt = (work: () => Promise<void>): void => {
    fault.value = undefined
    work().catch((error: unknown) => {
      fault.value = error instanceof Error ? error.message : String(error)
    })
  }
  return {
    asked,
    done,
    fault,
    attempt,
    ask: (wanted) =>
      attempt(async () => {
        asked.value = { ...(await ask('DELETE /retained', { query: { ...wanted, dryRun: true } })), wanted }
      }),
    confirm: () =>
      attempt(async () => {
        const wanted = asked.peek()?.wanted
        if (wanted === undefined) return
        asked.value = undefined
        const { messages, undoToken } = await ask('DELETE /retained', { query: { ...wanted, dryRun: false } })
        done.value = { text: text.deleted(count(messages, text.messages)), undoToken }
        await changed()
      }),
    undo: (undoToken) =>
      attempt(async () => {
        const { restored } = await ask('POST /retained/undo', { body: { undoToken } })
        done.value = { text: text.restored(count(restored, text.messages)), undoToken: null }
        await changed()
      }),
  }
}

/** The question, and what came of it. */
export function RemovalState({ removal: { asked, done, fault, confirm, undo } }: { readonly removal: Removal }) {
  const text = words.value
  const undoToken = done.value?.undoToken ?? null
  return (
    <>
      {fault.value !== undefined && <p class="fault">{fault.value}</p>}
      {asked.value !== undefined && (
        <Question asked={asked.value} confirm={confirm} cancel={() => (asked.value = undefined)} />
      )}
      {done.value !== undefined && (
        <p class="ask">
          {done.value.text}
          {undoToken !== null && (
            <button type="button" onClick={() => undo(undoToken)}>
              {text.undo}
            </button>
          )}
        </p>
      )}
    </>
  )
}

interface QuestionProps {
  readonly asked: Asked
  readonly confirm: () => void
  readonly cancel: () => void
}

/** How many it would be, before anything is deleted. */
function Question({ asked, confirm, cancel }: QuestionProps) {
  const text = words.value
  if (asked.messages === 0) return <p class="ask">{text.noRetained}</p>
  return (
    <p class="ask">
      <span>
        <code>{asked.wanted.filter}</code> · {bytes(asked.bytes)}
      </span>
      {text.deleteAsk(count(asked.messages, text.messages))}
      {!asked.canUndo && <b>{text.noUndo}</b>}
      <button type="button" class="danger" onClick={confirm}>
        {text.delete}
      </button>
      <button type="button" onClick={cancel}>
        {text.cancel}
      </button>
    </p>
  )
}
