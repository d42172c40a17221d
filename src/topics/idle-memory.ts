/** The C library of most Linux systems maps what is larger by itself, always; smaller memory it hands out again, and zeroes. */
const ALWAYS_MAPPED_BYTES = 32 * 1024 ** 2 + 4096

/** Of so little it does not matter whether it is used. */
const SMALL_BYTES = 1024 ** 2

/**
 * Zeroed memory of at least so many bytes, of which most may never be used: the system gives a page of it only once something is
 * written there, as long as it is mapped by itself, so it is asked for more than it needs. Shared memory, though nobody shares
 * it, since the collector does not count that: each part of a table would make it run. The largest part is to be
 * `countedMemory`, so that it does run, and gives all of them back, when hubs come and go.
 */
export function idleMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(mapped(bytes))
}

/** The same, as the collector counts it. */
export function countedMemory(bytes: number): ArrayBuffer {
  return new ArrayBuffer(mapped(bytes))
}

function mapped(bytes: number): number {
  return bytes > SMALL_BYTES ? Math.max(bytes, ALWAYS_MAPPED_BYTES) : bytes
}
