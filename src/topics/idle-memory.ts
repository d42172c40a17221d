/**
 * Zeroed memory of which most may never be used: the system gives a page of it only once something is written there. Shared memory,
 * though nobody shares it: the collector does not count that among what it is to collect, and so does not run for its size.
 */
export function idleMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes)
}
