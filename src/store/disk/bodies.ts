// Hot path: `hold` and `release` run per delivery to a kept session; measured by `npm run bench`, rows "kept".
import { type MemoryBudget, unboundedMemory } from '../../base/memory-budget.ts'
import type { MemoryAccount } from '../../base/memory-account.ts'
import { MESSAGE_BYTES } from '../memory/held-messages.ts'
import type { Databases } from './databases.ts'
import type { Message } from '../../protocol/message.ts'
import { blockKey, checked, CONTENT_START, messageBytes, newValue, readMessage, seal, writeMessage } from './records.ts'

/** A body's number is its block's number times this, plus its index in the block. */
const BODIES_PER_BLOCK = 64
/** A block is full at this size: a single body still waited for keeps its whole block on disk. */
const FULL_BLOCK_BYTES = 8192
/** Bodies read from disk or just written there that stay in memory, for all sessions together; less where there is little memory. */
const CACHED_BYTES = 16 * 1024 * 1024
const CACHED_SHARE = 1 / 32
/** What a block takes whose bodies are on disk only. */
const BLOCK_BYTES = 150

/** Bodies that are stored as one value. */
class Block {
  readonly number: number
  /** How many messages of queues and windows refer to it. */
  held = 0
  /** The bodies, while they are in memory. */
  messages: (Message | undefined)[] | undefined
  /** `held` by index, until the block is stored: bodies that nobody holds by then are not written. */
  counts: Uint32Array | undefined
  bytes = 0
  /** What the bodies take in memory, and how many there are. */
  heldBytes = 0
  heldMessages = 0
  isStored: boolean

  constructor(number: number, isStored: boolean) {
    this.number = number
    this.isStored = isStored
    this.messages = isStored ? undefined : []
    this.counts = isStored ? undefined : new Uint32Array(BODIES_PER_BLOCK)
  }
}

/**
 * The bodies of messages that wait for kept sessions, each stored once however many hold it. Bodies of about the same time share
 * one value, a block, which is removed when nobody holds any of them any more.
 */
export class Bodies {
  readonly #databases: Pick<Databases, 'bodies'>
  readonly #onDamage: (error: unknown) => void
  readonly #blocks = new Map<number, Block>()
  /** Stored blocks whose bodies are in memory, oldest first. */
  readonly #cached = new Set<Block>()
  #cachedBytes = 0
  #nextBlock = 1
  #open: Block | undefined = undefined
  #unwritten: Block[] = []
  #writing: Block[] = []
  #unneeded: number[] = []
  #removing: number[] = []
  #lastMessage: Message | undefined = undefined
  #lastBlock: Block | undefined = undefined
  readonly #memory: MemoryAccount
  readonly #maxCachedBytes: number

  /** `onDamage` is told when a block cannot be read; its bodies are lost. */
  constructor(
    databases: Pick<Databases, 'bodies'>,
    onDamage: (error: unknown) => void,
    memory: MemoryBudget = unboundedMemory(),
  ) {
    this.#databases = databases
    this.#onDamage = onDamage
    this.#memory = memory.queues
    this.#maxCachedBytes = Math.min(
      CACHED_BYTES,
      memory.limitBytes * CACHED_SHARE,
      memory.heapLimitBytes * CACHED_SHARE,
    )
  }

  /** Continues the numbering of the stored blocks. */
  open(): void {
    for (const key of this.#databases.bodies.getKeys({ reverse: true, limit: 1 }))
      this.#nextBlock = key.readUIntBE(0, 6) + 1
  }

  /** Notes that stored bodies are held, `count` of them from `body` on. */
  restore(body: number, count: number): void {
    for (let next = body; next < body + count;) {
      const number = Math.floor(next / BODIES_PER_BLOCK)
      let block = this.#blocks.get(number)
      if (block === undefined) this.#enter((block = new Block(number, true)))
      const end = Math.min(body + count, (number + 1) * BODIES_PER_BLOCK)
      block.held += end - next
      next = end
    }
  }

  /** Counts one more reference to the message's body, and returns its number. */
  hold(message: Message): number {
    const kept = message.keep()
    const block = kept === this.#lastMessage ? this.#lastBlock : this.#find(kept)
    const held = block ?? this.#add(kept)
    held.held++
    const { counts } = held
    const index = kept.body % BODIES_PER_BLOCK
    if (counts !== undefined) counts[index] = (counts[index] ?? 0) + 1
    this.#lastMessage = kept
    this.#lastBlock = held
    return kept.body
  }

  /** Counts one reference to the body less. */
  release(body: number): void {
    const block = this.#blocks.get(Math.floor(body / BODIES_PER_BLOCK))
    if (block === undefined) return
    const { counts } = block
    const index = body % BODIES_PER_BLOCK
    if (counts !== undefined) counts[index] = (counts[index] ?? 0) - 1
    if (--block.held === 0 && block.isStored) this.#forget(block)
  }

  /** The message with this body, which somebody must hold; undefined when the store cannot give it back. */
  read(body: number): Message | undefined {
    const block = this.#blocks.get(Math.floor(body / BODIES_PER_BLOCK))
    if (block === undefined) return undefined
    if (block.messages === undefined) this.#load(block)
    return block.messages?.[body % BODIES_PER_BLOCK]
  }

  /** Writes bodies that are held and not stored yet, and removes those nobody needs. Part of a batch. */
  write(): void {
    this.#removing = this.#unneeded
    this.#unneeded = []
    const unwritten = this.#unwritten
    this.#unwritten = []
    this.#open = undefined
    this.#lastMessage = undefined
    for (const number of this.#removing) void this.#databases.bodies.remove(blockKey(number))
    for (const block of unwritten) {
      if (block.held === 0) {
        this.#leave(block)
      } else {
        this.#writing.push(block)
        void this.#databases.bodies.put(blockKey(block.number), encodeBlock(block))
      }
    }
  }

  /** The batch is stored. */
  wasWritten(): void {
    for (const block of this.#writing) {
      block.isStored = true
      block.counts = undefined
      if (block.held === 0) this.#forget(block)
      else this.#cache(block)
    }
    this.#writing = []
    this.#removing = []
  }

  /** The batch is not stored: its bodies go into the next. */
  wasNotWritten(): void {
    this.#unwritten = this.#writing.concat(this.#unwritten)
    this.#unneeded = this.#removing.concat(this.#unneeded)
    this.#writing = []
    this.#removing = []
  }

  #enter(block: Block): void {
    this.#memory.take(BLOCK_BYTES, BLOCK_BYTES)
    this.#blocks.set(block.number, block)
  }

  #leave(block: Block): void {
    if (!this.#blocks.delete(block.number)) return
    this.#giveMemory(block)
    this.#memory.give(BLOCK_BYTES, BLOCK_BYTES)
  }

  #takeMemory(block: Block, packetsBytes: number, messages: number): void {
    const bytes = packetsBytes + messages * MESSAGE_BYTES
    block.heldBytes += bytes
    block.heldMessages += messages
    this.#memory.take(bytes, messages * MESSAGE_BYTES)
  }

  #giveMemory(block: Block): void {
    this.#memory.give(block.heldBytes, block.heldMessages * MESSAGE_BYTES)
    block.heldBytes = 0
    block.heldMessages = 0
  }

  #find(kept: Message): Block | undefined {
    const block = this.#blocks.get(Math.floor(kept.body / BODIES_PER_BLOCK))
    return block?.messages?.[kept.body % BODIES_PER_BLOCK] === kept ? block : undefined
  }

  #add(kept: Message): Block {
    let block = this.#open
    if (
      block === undefined ||
      block.messages === undefined ||
      block.messages.length === BODIES_PER_BLOCK ||
      block.bytes >= FULL_BLOCK_BYTES
    ) {
      block = new Block(this.#nextBlock++, false)
      this.#open = block
      this.#enter(block)
      this.#unwritten.push(block)
    }
    const messages = (block.messages ??= [])
    kept.body = block.number * BODIES_PER_BLOCK + messages.length
    messages.push(kept)
    this.#takeMemory(block, kept.packetBytes, 1)
    block.bytes += messageBytes(kept)
    return block
  }

  #forget(block: Block): void {
    this.#uncache(block)
    this.#leave(block)
    this.#unneeded.push(block.number)
    if (block === this.#lastBlock) this.#lastMessage = undefined
  }

  #load(block: Block): void {
    try {
      const value = this.#databases.bodies.get(blockKey(block.number))
      if (value === undefined) throw new Error(`block ${block.number} is missing`)
      block.messages = decodeBlock(checked(value, `block ${block.number}`), block.number * BODIES_PER_BLOCK)
      block.bytes = value.length
      let messages = 0
      for (const message of block.messages) if (message !== undefined) messages++
      this.#takeMemory(block, value.length, messages)
      this.#cache(block)
    } catch (error) {
      block.messages = []
      this.#onDamage(error)
    }
  }

  #cache(block: Block): void {
    this.#cached.add(block)
    this.#cachedBytes += block.heldBytes
    for (const oldest of this.#cached) {
      if (this.#cachedBytes <= this.#maxCachedBytes || oldest === block) return
      this.#uncache(oldest)
    }
  }

  #uncache(block: Block): void {
    if (!this.#cached.delete(block)) return
    this.#cachedBytes -= block.heldBytes
    this.#giveMemory(block)
    block.messages = undefined
    if (block === this.#lastBlock) this.#lastMessage = undefined
  }
}

/** The bodies that are held, each after its index. Bodies left out are forgotten, so that nothing counts them as stored. */
function encodeBlock(block: Block): Buffer {
  const messages = block.messages ?? []
  let bytes = 0
  for (const [index, message] of messages.entries()) {
    if (block.counts?.[index] === 0) messages[index] = undefined
    else if (message !== undefined) bytes += 1 + messageBytes(message)
  }
  const value = newValue(bytes)
  let at = CONTENT_START
  for (const [index, message] of messages.entries()) {
    if (message === undefined) continue
    value[at] = index
    at = writeMessage(value, at + 1, message)
  }
  block.bytes = value.length
  return seal(value)
}

function decodeBlock(value: Buffer, firstBody: number): (Message | undefined)[] {
  const messages: (Message | undefined)[] = []
  for (let at = CONTENT_START; at < value.length;) {
    const index = value[at] ?? 0
    const message = readMessage(value, at + 1)
    message.body = firstBody + index
    messages[index] = message
    at = message.end
  }
  return messages
}
