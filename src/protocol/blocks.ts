// Hot path: for each packet that spans chunks, and each message that is sent from where it lies; measured by `npm run bench`, rows "16 KiB".

import type { MemoryAccount } from '../base/memory-account.ts'
import { type MemoryBudget, unboundedMemory } from '../base/memory-budget.ts'

/** Blocks have 8 KiB, 16 KiB and so on up to 1 MiB. */
const SMALLEST_BITS = 13
const SIZES = 8
/** Less than this is no block: thousands of connections may each have a piece of a packet. */
export const SMALL_BYTES = 4096
const MAX_FREE_BYTES = 16 * 1024 ** 2

/** A piece of memory that is used again when the last of its users has released it. */
export class Block {
  readonly bytes: Buffer
  /** Only for `Blocks` and for who adds a user. */
  uses = 1
  /** It counts as what outputs hold. Only for `Blocks`. */
  isCounted = false
  /** False for bytes that are a message's own, and for those that the system may still read when nobody uses them. */
  isReusable: boolean

  constructor(bytes: Buffer, isReusable = true) {
    this.bytes = bytes
    this.isReusable = isReusable
  }
}

/**
 * The memory of packets on their way through the hub. Fresh buffers for them would have the collector run for their bytes alone,
 * however few objects there are. Blocks of 8 KiB to 1 MiB in powers of two are used again; what is smaller or larger is left to the
 * collector, and so is a block that is never released.
 */
export class Blocks {
  /** Where the packet lies that is being handled, if that is a block. */
  framed: Block | undefined = undefined
  /** What packets hold that have not come whole. */
  readonly unfinished: MemoryAccount
  readonly #outputs: MemoryAccount
  readonly #free: Block[][] = Array.from({ length: SIZES }, () => [])
  #freeBytes = 0

  constructor(memory: MemoryBudget = unboundedMemory()) {
    this.unfinished = memory.unfinished
    this.#outputs = memory.outputs
  }

  /** A block of at least so many bytes with one user. What it holds is left from before. */
  take(bytes: number): Block {
    if (bytes < SMALL_BYTES) return new Block(Buffer.allocUnsafe(bytes))
    const size = sizeFor(bytes)
    return this.takeFree(bytes) ?? new Block(Buffer.allocUnsafeSlow(size < SIZES ? bytesOf(size) : bytes))
  }

  /** The same, but only if there is one that is free; at least one byte. */
  takeFree(bytes: number): Block | undefined {
    const block = this.#free[sizeFor(bytes)]?.pop()
    if (block === undefined) return undefined
    this.#freeBytes -= block.bytes.length
    block.uses = 1
    return block
  }

  /** One of its users is an output: until the last user has released it the block counts, once however many outputs there are. */
  count(block: Block): void {
    if (block.isCounted) return
    block.isCounted = true
    this.#outputs.take(block.bytes.length, 0)
  }

  /** One user less, who does not know when the system has read it: it is not used again. */
  abandon(block: Block): void {
    block.isReusable = false
    this.release(block)
  }

  /** One user less. Nothing happens when there is none left. */
  release(block: Block): void {
    if (block.uses === 0 || --block.uses > 0) return
    const { length } = block.bytes
    if (block.isCounted) {
      block.isCounted = false
      this.#outputs.give(length, 0)
    }
    if (!block.isReusable) return
    const size = sizeFor(length)
    const free = this.#free[size]
    if (free === undefined || length !== bytesOf(size) || this.#freeBytes + length > MAX_FREE_BYTES) return
    this.#freeBytes += length
    free.push(block)
  }
}

/** The number of the smallest size that has room for so many bytes; SIZES or more: none has. */
function sizeFor(bytes: number): number {
  return Math.max(0, 32 - Math.clz32(bytes - 1) - SMALLEST_BITS)
}

function bytesOf(size: number): number {
  return 2 ** (SMALLEST_BITS + size)
}
