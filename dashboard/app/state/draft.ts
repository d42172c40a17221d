import { effect, signal } from '@preact/signals'
import type { Outgoing, QoS } from '../../worker/protocol.ts'
import { openConversation } from './conversations.ts'
import { store } from './stored.ts'
import { readChat } from '../../worker/chat.ts'

/** What is being written in a conversation. */
export interface Draft {
  readonly topic: string
  readonly text: string
  readonly qos: QoS
  readonly retain: boolean
}

const KEY = 'hubbub.drafts'

const drafts = new Map<string, Draft>(read())
/** The draft of the open conversation. */
export const draft = signal<Draft>({ topic: '', text: '', qos: 1, retain: false })
/** The last message sent, for the Up key, by conversation. */
const lastSent = new Map<string, Draft>()

effect(() => {
  const one = openConversation.value
  if (one === undefined) return
  const topic = one.kind === 'channel' ? one.filter.replace(/\/?[+#].*$/, '') : one.filter.replace('/#', '/cmd/')
  draft.value = drafts.get(one.id) ?? { topic, text: '', qos: 1, retain: false }
})

export function changeDraft(change: Partial<Draft>): void {
  draft.value = { ...draft.value, ...change }
  const id = openConversation.peek()?.id
  if (id === undefined) return
  drafts.set(id, draft.value)
  store(KEY, JSON.stringify([...drafts].filter(([, { text }]) => text !== '').slice(-100)))
}

/** The message is sent: the text is done with, topic, QoS and Retain stay. */
export function draftSent(): void {
  const id = openConversation.peek()?.id
  if (id !== undefined) lastSent.set(id, draft.value)
  changeDraft({ text: '', retain: false })
}

export function editLast(): void {
  const last = lastSent.get(openConversation.peek()?.id ?? '')
  if (last !== undefined) changeDraft(last)
}

/** Puts a message that was sent into the composer again. */
export function edit({ topic, payload, qos, retain }: Outgoing): void {
  changeDraft({ topic, text: readChat(payload)?.text ?? payload, qos, retain })
}

function read(): [string, Draft][] {
  try {
    const kept: [string, Draft][] = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return kept
  } catch {
    return []
  }
}
