/** The C library of most Linux systems maps what is larger by itself, always; smaller memory it hands out again, and zeroes. */
const ALWAYS_MAPPED_BYTES = 32 * 1024 ** 2 + 4096

/**
 * Zeroed memory of at least so many bytes, of which most may never be used: the system gives a page of it only once something is
 * written there, as long as it is mapped by itself, so it is asked for more than it needs. The collector counts it as if it were
 * used, and so runs once more at the start of a hub; in return, what a hub had is given back soon after its end.
 */
export function idleMemory(bytes: number): ArrayBuffer {
  return new ArrayBuffer(Math.max(bytes, ALWAYS_MAPPED_BYTES))
}
