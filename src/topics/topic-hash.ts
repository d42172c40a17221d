// Hot path: runs per PUBLISH; measured by `npm run bench`, all throughput rows.

/**
 * The hash of the name `bytes[start, end)`, a signed integer of 32 bits, which the engine keeps out of the heap. Its upper bits are
 * as good as its lower ones. `view` is of the same bytes; it reads four at a time. Who does not know the seed cannot tell which names
 * meet in a table, though he can make some that do for every seed: a table has to bound what these cost.
 */
export function hashName(bytes: Uint8Array, view: DataView, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const product = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
    hash = product ^ (product >>> 15)
  }
  if (at < end) {
    const product = Math.imul(hash ^ lastWord(bytes, at, end), 0x9e3779b1)
    hash = product ^ (product >>> 15)
  }
  hash = Math.imul(hash, 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

/** The one to three bytes of `bytes[at, end)` as an integer whose first byte is the lowest; the missing ones count as 0. */
export function lastWord(bytes: Uint8Array, at: number, end: number): number {
  let word = bytes[at] ?? 0
  if (at + 1 < end) word |= (bytes[at + 1] ?? 0) << 8
  if (at + 2 < end) word |= (bytes[at + 2] ?? 0) << 16
  return word
}
