import { signal } from '@preact/signals'
import type { Draft } from './draft.ts'
import { store } from './stored.ts'

/** A message that is sent with one click, in the conversation it was kept in. */
export interface SavedMessage extends Draft {
  readonly conversationId: string
}

const KEY = 'hubbub.savedMessages'
const MAX_SAVED = 200

export const savedMessages = signal<readonly SavedMessage[]>(read())

export function saveMessage(message: SavedMessage): void {
  keep([...savedMessages.value.filter((one) => !isSame(one, message)), message].slice(-MAX_SAVED))
}

export function forgetMessage(message: SavedMessage): void {
  keep(savedMessages.value.filter((one) => one !== message))
}

function keep(messages: readonly SavedMessage[]): void {
  savedMessages.value = messages
  store(KEY, JSON.stringify(messages))
}

function isSame(one: SavedMessage, other: SavedMessage): boolean {
  return one.conversationId === other.conversationId && one.topic === other.topic && one.text === other.text
}

function read(): readonly SavedMessage[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(value) ? value.filter(isSavedMessage) : []
  } catch {
    return []
  }
}

function isSavedMessage(value: unknown): value is SavedMessage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'conversationId' in value &&
    'topic' in value &&
    typeof value.topic === 'string' &&
    'text' in value &&
    typeof value.text === 'string' &&
    'qos' in value &&
    'retain' in value
  )
}
