import { MemoryAccount, MEMORY_PARTS, type MemoryPart, Pool, type TellRefusal } from './memory-account.ts'
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { MIB } from './bytes.ts'

/** Of the memory of the machine, or of the container. */
const DEFAULT_SHARE = 0.5
/** What the hub takes of the JavaScript heap when it holds nothing, and of the rest the part that may be filled. */
const EMPTY_HEAP_BYTES = 48 * MIB
const HEAP_SHARE = 0.5
const LEAST_HEAP_BYTES = 8 * MIB

/** What a hub may hold, in bytes. */
export interface MemoryBounds {
  readonly bytes: number
  /** On the JavaScript heap. */
  readonly heapBytes: number
}

/**
 * One bound for all that the hub holds for its clients. Each part is sure of its share of half of it, and whatever nobody is sure of
 * is for who asks first: no part can take what others are sure of.
 */
export class MemoryBudget implements Readonly<Record<MemoryPart, MemoryAccount>> {
  readonly topics: MemoryAccount
  readonly retained: MemoryAccount
  readonly queues: MemoryAccount
  readonly connections: MemoryAccount
  readonly sessions: MemoryAccount
  readonly history: MemoryAccount
  readonly unfinished: MemoryAccount
  readonly outputs: MemoryAccount
  readonly limitBytes: number
  readonly heapLimitBytes: number

  constructor({ bytes, heapBytes }: MemoryBounds, tell?: TellRefusal) {
    this.limitBytes = bytes
    this.heapLimitBytes = heapBytes
    const parts = Object.keys(MEMORY_PARTS).length
    const all = new Pool(bytes, parts)
    const heap = new Pool(heapBytes, parts)
    const account = (part: MemoryPart): MemoryAccount => new MemoryAccount(part, all, heap, tell)
    this.topics = account('topics')
    this.retained = account('retained')
    this.queues = account('queues')
    this.connections = account('connections')
    this.sessions = account('sessions')
    this.history = account('history')
    this.unfinished = account('unfinished')
    this.outputs = account('outputs')
  }

  get accounts(): readonly MemoryAccount[] {
    return [
      this.topics,
      this.retained,
      this.queues,
      this.connections,
      this.sessions,
      this.history,
      this.unfinished,
      this.outputs,
    ]
  }
}

/** The bounds of a hub that may hold `bytes`; null is half of the memory that the machine or the container has. */
export function memoryBounds(bytes: number | null): MemoryBounds {
  const heapBytes = Math.max(LEAST_HEAP_BYTES, (getHeapStatistics().heap_size_limit - EMPTY_HEAP_BYTES) * HEAP_SHARE)
  const all = bytes ?? Math.floor(Math.min(totalmem(), process.constrainedMemory() || Infinity) * DEFAULT_SHARE)
  return { bytes: all, heapBytes: Math.floor(Math.min(all, heapBytes)) }
}

/** For what holds things without a hub around it. */
export function unboundedMemory(): MemoryBudget {
  return new MemoryBudget({ bytes: Number.MAX_SAFE_INTEGER, heapBytes: Number.MAX_SAFE_INTEGER })
}
