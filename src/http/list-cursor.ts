import { invalidParameter } from './problem.ts'

/** Where a list goes on: its name, and what the last entry of the page before is known by. */
type CursorContent = readonly [list: string, after: string]

/** The cursor behind an entry. It says nothing to anybody but `readCursor`. */
export function cursorBehind(list: string, after: string): string {
  const content: CursorContent = [list, after]
  return Buffer.from(JSON.stringify(content)).toString('base64url')
}

/** What a cursor stands behind; undefined for none. @throws HttpProblem when it is none of this list */
export function readCursor(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  try {
    const content: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(content) && content.length === 2 && content[0] === list && typeof content[1] === 'string') {
      return content[1]
    }
  } catch {
    // It is refused below, as any other that is not ours.
  }
  throw invalidParameter('cursor', cursor, 'it must be "nextCursor" of an earlier page of this list')
}
