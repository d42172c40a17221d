/** What people say in a room, when it has the form `{"from", "text"}`. */
export function readChat(payload: string): { from: string; text: string } | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value !== 'object' || value === null || !('from' in value) || !('text' in value)) return undefined
    const { from, text } = value
    return typeof from === 'string' && typeof text === 'string' ? { from, text } : undefined
  } catch {
    return undefined
  }
}
