import { describe, expect, test } from 'vitest'
import { Blocks } from '../../src/protocol/blocks.ts'

const KIB = 1024
const MIB = KIB * KIB

describe('Blocks', () => {
  test('gives the smallest power of two from 8 KiB to 1 MiB that has room, else just what was asked for', () => {
    const blocks = new Blocks()
    const sizes: readonly (readonly [asked: number, given: number])[] = [
      [1, 1],
      [4095, 4095],
      [4096, 8 * KIB],
      [8 * KIB, 8 * KIB],
      [8 * KIB + 1, 16 * KIB],
      [65 * KIB, 128 * KIB],
      [MIB, MIB],
      [MIB + 1, MIB + 1],
    ]
    for (const [asked, given] of sizes) expect([asked, blocks.take(asked).bytes.length]).toEqual([asked, given])
  })

  test('gives a released block to the next who asks for one of its size', () => {
    const blocks = new Blocks()
    const block = blocks.take(20_000)
    blocks.release(block)
    expect(blocks.take(60_000)).not.toBe(block)
    expect(blocks.take(32 * KIB)).toBe(block)
    expect(blocks.take(32 * KIB)).not.toBe(block)
  })

  test('keeps a block until the last of its users has released it', () => {
    const blocks = new Blocks()
    const block = blocks.take(10_000)
    block.uses += 2
    blocks.release(block)
    blocks.release(block)
    expect(blocks.takeFree(10_000)).toBe(undefined)
    blocks.release(block)
    expect(blocks.takeFree(10_000)).toBe(block)
  })

  test('gives a block that was released too often to one only', () => {
    const blocks = new Blocks()
    const block = blocks.take(10_000)
    blocks.release(block)
    blocks.release(block)
    expect(blocks.take(10_000)).toBe(block)
    expect(blocks.take(10_000)).not.toBe(block)
  })

  test('leaves what is no power of two, smaller than 8 KiB or larger than 1 MiB to the collector', () => {
    const blocks = new Blocks()
    for (const bytes of [100, 4095, MIB + 1, 2 * MIB]) {
      const block = blocks.take(bytes)
      blocks.release(block)
      expect(blocks.takeFree(bytes)).toBe(undefined)
    }
  })

  test('holds no more than 16 MiB that nobody uses', () => {
    const blocks = new Blocks()
    const taken = Array.from({ length: 40 }, () => blocks.take(MIB))
    for (const block of taken) blocks.release(block)
    let free = 0
    while (blocks.takeFree(MIB) !== undefined) free++
    expect(free).toBe(16)
  })

  test('has room for others again when free blocks were taken', () => {
    const blocks = new Blocks()
    const taken = Array.from({ length: 16 }, () => blocks.take(MIB))
    for (const block of taken) blocks.release(block)
    const small = blocks.take(8 * KIB)
    blocks.release(small)
    expect(blocks.takeFree(8 * KIB)).toBe(undefined)
    blocks.take(MIB)
    const other = blocks.take(8 * KIB)
    blocks.release(other)
    expect(blocks.takeFree(8 * KIB)).toBe(other)
  })
})
