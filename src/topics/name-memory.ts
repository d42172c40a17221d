const LEVEL_BYTES = 80
const SLASH = 0x2f

/** What a topic name or filter takes on the JavaScript heap, about, where it is kept whole and by its levels. */
export function nameMemoryBytes(name: string): number {
  let levels = 1
  for (let i = 0; i < name.length; i++) if (name.codePointAt(i) === SLASH) levels++
  return levels * LEVEL_BYTES + 2 * name.length
}
