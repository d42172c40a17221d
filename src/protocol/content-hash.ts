// Hot path: runs per PUBLISH at QoS 2; measured by `npm run bench`, rows "QoS 2".

/**
 * A hash of `bytes[start, end)`, a signed integer of 32 bits that is not 0, to be given on as `before` of the part that follows. It is
 * part of the store's format: the same in each run of the hub and on each machine.
 */
export function hashContent(bytes: Uint8Array, start: number, end: number, before: number): number {
  let hash = before ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
    const product = Math.imul(hash ^ word, 0x9e3779b1)
    hash = product ^ (product >>> 15)
  }
  for (; at < end; at++) {
    const product = Math.imul(hash ^ (bytes[at] ?? 0), 0x9e3779b1)
    hash = product ^ (product >>> 15)
  }
  hash = Math.imul(hash, 0x85ebca6b)
  return hash ^ (hash >>> 13) || 1
}
