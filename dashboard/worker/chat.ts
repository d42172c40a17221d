/** What is said in a room. */
export interface ChatText {
  readonly from: string
  readonly text: string
  /** A program says so of itself, and other programs do not answer it. */
  readonly isBot: boolean
}

/** What people say in a room, when it has the form `{"from", "text"}`. */
export function readChat(payload: string): ChatText | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value !== 'object' || value === null || !('from' in value) || !('text' in value)) return undefined
    const { from, text } = value
    const isBot = 'isBot' in value && value.isBot === true
    return typeof from === 'string' && typeof text === 'string' ? { from, text, isBot } : undefined
  } catch {
    return undefined
  }
}
