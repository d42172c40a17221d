import { describe, expect, test } from 'vitest'
import { type ReadRest, ReadShare, type ReadSource, ReadTurn } from '../../src/listeners/read-turn.ts'

const KIB = 1024
const SHARE_BYTES = 64 * KIB
/** Longer than any share of a turn, and so short that it is part of none. */
const LONG_MS = 1000
const SHORT_MS = 0.001

/** Writes down what is done to it. */
class Source implements ReadSource {
  readonly name: string
  readonly #events: string[]

  constructor(name: string, events: string[]) {
    this.name = name
    this.#events = events
  }

  pause(): void {
    this.#events.push(`${this.name} paused`)
  }

  resume(): void {
    this.#events.push(`${this.name} resumed`)
  }
}

function openNew(names: readonly string[]) {
  const turn = new ReadTurn()
  const events: string[] = []
  const shares = names.map((name) => {
    const share = new ReadShare(turn)
    share.open(new Source(name, events))
    return share
  })
  return { shares, events, turn }
}

/** They are read in the largest pieces, as what comes quickly is after a while. */
async function open(names: readonly string[]) {
  const opened = openNew(names)
  for (let pieces = 0; pieces < 3; pieces++) {
    for (const share of opened.shares) share.tookPiece(share.room.length, SHORT_MS)
    await nextTurn()
  }
  await nextTurn()
  opened.events.length = 0
  return opened
}

/** So many bytes that wait; writes down how many are handled in each turn. */
class Rest implements ReadRest {
  leftBytes: number
  readonly #events: string[]

  constructor(bytes: number, events: string[]) {
    this.leftBytes = bytes
    this.#events = events
  }

  takeTurn(maxBytes: number): boolean {
    const bytes = Math.min(maxBytes, this.leftBytes)
    this.#events.push(`${bytes / KIB} KiB`)
    this.leftBytes -= bytes
    return this.leftBytes > 0
  }
}

async function openOne() {
  const { shares, events, turn } = await open(['one'])
  const [share] = shares
  if (share === undefined) throw new Error('there is one')
  return { share, events, turn }
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

describe('ReadShare', () => {
  test('begins with small pieces, before anybody knows how long they take', () => {
    const { shares } = openNew(['new'])
    expect(shares[0]?.room.length).toBe(8 * KIB)
  })

  test('reads on in the same turn when a piece was not full: there is no more', async () => {
    const { share } = await openOne()
    expect(share.tookPiece(SHARE_BYTES - 1, SHORT_MS)).toBe(true)
  })

  test('goes on in the next turn after a full piece, and all who wait in their order', async () => {
    const { shares, events } = await open(['a', 'b', 'c'])
    for (const share of shares) expect(share.tookPiece(SHARE_BYTES, SHORT_MS)).toBe(false)
    expect(events).toEqual([])
    await nextTurn()
    expect(events).toEqual(['a resumed', 'b resumed', 'c resumed'])
    await nextTurn()
    expect(events).toHaveLength(3)
  })

  test('reads smaller pieces when what is in them takes long, in proportion, and twice as large ones when it is quick again', async () => {
    const { share, turn } = await openOne()
    share.tookPiece(SHARE_BYTES, turn.shareMs * 3)
    expect(share.room.length).toBe(16 * KIB)
    share.tookPiece(16 * KIB, LONG_MS)
    expect(share.room.length).toBe(4 * KIB)
    share.tookPiece(4 * KIB, LONG_MS)
    expect(share.room.length).toBe(4 * KIB)
    const rooms: number[] = []
    for (let i = 0; i < 5; i++) {
      share.tookPiece(share.room.length, SHORT_MS)
      rooms.push(share.room.length / KIB)
    }
    expect(rooms).toEqual([8, 16, 32, 64, 64])
  })

  test('leaves its pieces as they are when one was quick but not full, or neither quick nor slow', async () => {
    const { share, turn } = await openOne()
    share.tookPiece(SHARE_BYTES, turn.shareMs * 3)
    const before = share.room.length
    share.tookPiece(before - 1, SHORT_MS)
    share.tookPiece(before, turn.shareMs * 0.7)
    expect(share.room.length).toBe(before)
  })

  test('has less time the more connections have more to read', async () => {
    const { shares, turn } = await open(['a', 'b', 'c', 'd'])
    const alone = turn.shareMs
    for (const share of shares) share.tookPiece(SHARE_BYTES, SHORT_MS)
    await nextTurn()
    expect(turn.shareMs).toBe(alone / 4)
  })

  test('has all of the time again when the others have stopped for a turn', async () => {
    const { shares, turn } = await open(['a', 'b', 'c', 'd'])
    const alone = turn.shareMs
    for (const share of shares) share.tookPiece(SHARE_BYTES, SHORT_MS)
    await nextTurn()
    await nextTurn()
    expect(turn.shareMs).toBe(alone)
    shares[0]?.tookPiece(SHARE_BYTES, SHORT_MS)
    await nextTurn()
    expect(turn.shareMs).toBe(alone)
  })

  test('stops a source without pieces when its share of bytes is used up, or of time', async () => {
    for (const [bytes, ms] of [
      [SHARE_BYTES / 2, SHORT_MS],
      [100, LONG_MS / 2],
    ] as const) {
      const { share, events, turn } = await openOne()
      share.tookChunk(bytes, Math.min(ms, turn.shareMs * 0.6))
      expect(events).toEqual([])
      share.tookChunk(bytes, Math.min(ms, turn.shareMs * 0.6))
      // What was read by then still comes.
      share.tookChunk(bytes, ms)
      expect(events).toEqual(['one paused'])
      await nextTurn()
      expect(events).toEqual(['one paused', 'one resumed'])
      share.tookChunk(bytes, SHORT_MS)
      expect(events).toHaveLength(2)
    }
  })

  test('is not resumed by the turn while its owner has paused it, nor by its owner before its turn', async () => {
    const { share, events } = await openOne()
    share.tookPiece(SHARE_BYTES, SHORT_MS)
    share.pause()
    await nextTurn()
    expect(events).toEqual(['one paused'])
    share.resume()
    expect(events).toEqual(['one paused', 'one resumed'])
    share.tookPiece(SHARE_BYTES, SHORT_MS)
    share.pause()
    share.resume()
    expect(events).toEqual(['one paused', 'one resumed', 'one paused'])
    await nextTurn()
    expect(events).toEqual(['one paused', 'one resumed', 'one paused', 'one resumed'])
  })

  test('does not read on when its owner paused it during a piece, full or not', async () => {
    for (const bytes of [10, SHARE_BYTES]) {
      const { share } = await openOne()
      share.pause()
      expect(share.tookPiece(bytes, SHORT_MS)).toBe(false)
    }
  })

  test('reads out what is left at once, though it was paused or waited', async () => {
    const { share, events } = await openOne()
    share.tookPiece(SHARE_BYTES, SHORT_MS)
    share.pause()
    share.readOut()
    expect(events).toEqual(['one paused', 'one resumed'])
    await nextTurn()
    expect(events).toHaveLength(2)
  })

  test('has what was kept handled a piece a turn before it is read on, unless its owner has paused it', async () => {
    const { share, events } = await openOne()
    share.keep(new Rest(130 * KIB, events))
    expect(events.splice(0)).toEqual(['one paused'])
    await nextTurn()
    expect(events.splice(0)).toEqual(['64 KiB'])
    share.pause()
    await nextTurn()
    await nextTurn()
    expect(events.splice(0)).toEqual(['one paused'])
    share.resume()
    await nextTurn()
    expect(events.splice(0)).toEqual(['64 KiB'])
    await nextTurn()
    expect(events.splice(0)).toEqual(['2 KiB', 'one resumed'])
  })

  test('has what its owner put off handled first, paused or not, and while it is read out', async () => {
    const { share, events } = await openOne()
    share.keep(new Rest(64 * KIB, events))
    share.putOff(new Rest(100 * KIB, events))
    share.pause()
    events.length = 0
    await nextTurn()
    await nextTurn()
    await nextTurn()
    expect(events.splice(0)).toEqual(['64 KiB', '36 KiB'])
    share.putOff(new Rest(80 * KIB, events))
    share.readOut()
    events.length = 0
    await nextTurn()
    await nextTurn()
    expect(events.splice(0)).toEqual(['64 KiB', '16 KiB', 'one resumed'])
  })

  test('has what is left handled when its source is gone, though nobody resumes it', async () => {
    const { share, events } = await openOne()
    share.pause()
    share.keep(new Rest(80 * KIB, events))
    share.close()
    events.length = 0
    await nextTurn()
    await nextTurn()
    expect(events).toEqual(['64 KiB', '16 KiB'])
  })

  test('leaves a source alone that is gone', async () => {
    const { share, events } = await openOne()
    share.tookPiece(SHARE_BYTES, SHORT_MS)
    share.close()
    share.pause()
    share.resume()
    await nextTurn()
    expect(events).toEqual([])
  })
})
