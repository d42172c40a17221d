const MAX_QUOTED_CHARACTERS = 80

/** Any value on one line, short enough for a message. */
export function quote(value: unknown): string {
  let text: string | undefined
  try {
    text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  } catch {
    // A cycle or a throwing toJSON: what it is matters less than to go on.
  }
  text ??= `of type ${typeof value}`
  return text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text
}
