// Hot path: `flush` runs once per turn of the event loop, `add` once per output in it; measured by `npm run bench`, all throughput rows.
import type { MemoryAccount } from '../base/memory-account.ts'
import { type MemoryBudget, unboundedMemory } from '../base/memory-budget.ts'
import { Fifo } from '../base/fifo.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { Ledger } from '../observe/ledger.ts'
import { Blocks } from '../protocol/blocks.ts'

/** Most outputs of a turn are small; one that is not moves on to a large slab. */
export const SMALL_SLAB_BYTES = 2048
export const LARGE_SLAB_BYTES = 32_768
const MAX_FREE_SLABS = 256
/** Outputs that write between two looks at whether the turn is used up: well under a millisecond. */
const WRITES_BETWEEN_LOOKS = 16

/** What writes at the end of a turn. */
export interface TurnOutput {
  flush(): void
}

/**
 * What all outputs of a hub share: the end of the turn, at which each of them writes once, the slabs they write from, so that an
 * idle connection holds none, and the blocks with what is too large for a slab.
 */
export class OutputTurn {
  /** Where they count what they write. */
  readonly ledger: Ledger
  readonly blocks: Blocks
  /** What all outputs hold. */
  readonly memory: MemoryAccount
  readonly #small: Buffer[] = []
  readonly #large: Buffer[] = []
  #dirty: TurnOutput[] = []
  #flushed: TurnOutput[] = []
  /** Those for which a turn had no time; they write behind those of later turns. */
  readonly #late = new Fifo<TurnOutput>()
  readonly #flush: () => void
  readonly #flushLate: () => void

  constructor(ledger: Ledger, memory: MemoryBudget = unboundedMemory()) {
    this.ledger = ledger
    this.memory = memory.outputs
    this.blocks = new Blocks(memory)
    this.#flush = () => this.flush()
    this.#flushLate = () => this.#goOn()
  }

  /** Has `output` write at the end of this turn, after everything that can be read now was read. */
  add(output: TurnOutput): void {
    if (this.#dirty.push(output) === 1) setImmediate(this.#flush)
  }

  /** Writes now what this turn has gathered, as far as there is time; the rest in later ones. */
  flush(): void {
    const before = LOOP_TIMES.enter(LoopPart.WRITING)
    const outputs = this.#dirty
    this.#dirty = this.#flushed
    this.#flushed = outputs
    for (let i = 0; i < outputs.length; i++) {
      if (i % WRITES_BETWEEN_LOOKS === WRITES_BETWEEN_LOOKS - 1 && TURN.isUsedUp) {
        this.#putOff(outputs, i)
        break
      }
      outputs[i]?.flush()
    }
    outputs.length = 0
    LOOP_TIMES.leave(before)
  }

  #putOff(outputs: readonly TurnOutput[], from: number): void {
    if (this.#late.length === 0) TURN.wait(this.#flushLate)
    for (let i = from; i < outputs.length; i++) {
      const output = outputs[i]
      if (output !== undefined) this.#late.push(output)
    }
  }

  #goOn(): void {
    const before = LOOP_TIMES.enter(LoopPart.WRITING)
    let writes = 0
    for (let output = this.#late.shift(); output !== undefined; output = this.#late.shift()) {
      output.flush()
      if (++writes % WRITES_BETWEEN_LOOKS !== 0 || !TURN.isUsedUp) continue
      if (this.#late.length > 0) TURN.wait(this.#flushLate)
      break
    }
    LOOP_TIMES.leave(before)
  }

  /** There is no memory for more. */
  get isShort(): boolean {
    return !this.memory.mayTake(LARGE_SLAB_BYTES, 0)
  }

  takeSlab(isLarge: boolean): Buffer {
    this.memory.take(isLarge ? LARGE_SLAB_BYTES : SMALL_SLAB_BYTES, 0)
    return isLarge
      ? (this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_SLAB_BYTES))
      : (this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_SLAB_BYTES))
  }

  giveSlab(slab: Buffer): void {
    this.memory.give(slab.length, 0)
    const free = slab.length === SMALL_SLAB_BYTES ? this.#small : this.#large
    if (free.length < MAX_FREE_SLABS) free.push(slab)
  }
}
