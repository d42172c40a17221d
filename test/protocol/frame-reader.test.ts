import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Blocks } from '../../src/protocol/blocks.ts'
import type { MalformedPacketError } from '../../src/protocol/field-reader.ts'
import { FrameReader, type FrameSink } from '../../src/protocol/frame-reader.ts'
import { ReasonCode } from '../../src/protocol/reason-codes.ts'
import { writeVarint } from '../../src/protocol/varint.ts'
import { runs } from '../support/runs.ts'

const MAX_PACKET_BYTES = 100_000

class Collector implements FrameSink {
  readonly frames: string[] = []
  fault: MalformedPacketError | undefined = undefined
  /** Stops after each frame when true. */
  stops = false

  frame(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.frames.push(
      `${bytes.subarray(start, bodyStart).toString('hex')}|${bytes.subarray(bodyStart, end).toString('hex')}`,
    )
    return !this.stops
  }

  flush(): void {}

  malformed(fault: MalformedPacketError): void {
    this.fault = fault
  }
}

function packet(firstByte: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header[0] = firstByte
  return Buffer.concat([header.subarray(0, writeVarint(header, 1, body.length)), body])
}

function shown(bytes: Buffer, bodyBytes: number): string {
  const at = bytes.length - bodyBytes
  return `${bytes.subarray(0, at).toString('hex')}|${bytes.subarray(at).toString('hex')}`
}

/** Cuts `stream` at the given places, which may repeat or lie outside. */
function cut(stream: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (stream.length + 1)), stream.length].toSorted((a, b) => a - b)
  return sorted.slice(1).map((end, index) => stream.subarray(sorted[index], end))
}

const bodies = fc.array(
  fc.record({
    first: fc.integer({ min: 0x10, max: 0xff }),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 120, max: 40_000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
    ),
  }),
  { minLength: 1, maxLength: 8 },
)

/** How much of what waits is read at once. */
const pieces = fc.oneof(fc.integer({ min: 1000, max: 50_000 }), fc.constant(Infinity))

describe('FrameReader', () => {
  test('gives the same packets however the stream is cut', () => {
    fc.assert(
      fc.property(
        bodies,
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.boolean(),
        pieces,
        (packets, places, stops, maxBytes) => {
          const encoded = packets.map(({ first, body }) => packet(first, body))
          const expected = encoded.map((bytes, index) => shown(bytes, packets[index]?.body.length ?? 0))
          const sink = new Collector()
          sink.stops = stops
          const reader = new FrameReader(sink, MAX_PACKET_BYTES, new Blocks())
          for (const chunk of cut(Buffer.concat(encoded), places)) {
            reader.push(chunk)
            // The transport reads the next into the same memory.
            chunk.fill(0xee)
          }
          for (let i = 0; i < 1000 && reader.isStopped; i++) reader.resume(maxBytes)
          expect(reader.waitingBytes).toBe(0)
          expect(sink.frames).toEqual(expected)
          expect(sink.fault).toBe(undefined)
        },
      ),
      { numRuns: runs(300) },
    )
  })

  test('gives the same packets when the stream is cut at every byte', () => {
    const encoded = [
      packet(0x30, Buffer.alloc(200, 1)),
      packet(0xc0, Buffer.alloc(0)),
      packet(0x62, Buffer.from([0, 7])),
    ]
    const sink = new Collector()
    const reader = new FrameReader(sink, MAX_PACKET_BYTES, new Blocks())
    for (const byte of Buffer.concat(encoded)) reader.push(Buffer.from([byte]))
    expect(sink.frames).toEqual([shown(encoded[0] ?? Buffer.alloc(0), 200), 'c000|', '6202|0007'])
  })

  test('refuses a remaining length over four bytes, whole or byte by byte [MQTT-3.1.1 2.2.3]', () => {
    for (const chunks of [[[0x30, 0xff, 0xff, 0xff, 0xff, 1]], [[0x30], [0xff], [0xff], [0xff], [0xff], [1]]]) {
      const sink = new Collector()
      const reader = new FrameReader(sink, 268_435_460, new Blocks())
      for (const chunk of chunks) reader.push(Buffer.from(chunk))
      expect(sink.fault).toMatchObject({
        message: 'remaining length is longer than four bytes',
        code: ReasonCode.MALFORMED_PACKET,
      })
    }
  })

  test('refuses a packet over the limit as soon as its length is known', () => {
    for (const chunks of [[[0x30, 0xe8, 0x07]], [[0x30], [0xe8], [0x07]]]) {
      const sink = new Collector()
      const reader = new FrameReader(sink, 1002, new Blocks())
      for (const chunk of chunks) reader.push(Buffer.from(chunk))
      expect(sink.fault).toMatchObject({
        message: 'packet of 1003 bytes is over the limit of 1002 bytes (limits.maxConnectPacketBytes)',
        code: ReasonCode.PACKET_TOO_LARGE,
      })
    }
  })

  test('takes a packet of just the limit', () => {
    const sink = new Collector()
    new FrameReader(sink, 1003, new Blocks()).push(packet(0x30, Buffer.alloc(1000)))
    expect(sink.frames.length).toBe(1)
  })

  test('holds no more memory than has arrived for a length that is only claimed', () => {
    const reader = new FrameReader(new Collector(), 268_435_460, new Blocks())
    reader.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]))
    expect(reader.heldBytes).toBe(8)
  })

  test('has the sink flushed before the memory of a frame that came in pieces is used again', () => {
    const blocks = new Blocks()
    const seen: string[] = []
    let last: Buffer | undefined = undefined
    const sink: FrameSink = {
      frame(bytes, start, bodyStart, end) {
        last = bytes.subarray(bodyStart, end)
        return end > start
      },
      flush() {
        // Whoever else asks for a block meanwhile does not get this one.
        blocks.take(10_000).bytes.fill(0xee)
        if (last !== undefined) seen.push(last.toString('hex'))
      },
      malformed(fault) {
        throw fault
      },
    }
    const reader = new FrameReader(sink, MAX_PACKET_BYTES, blocks)
    for (const byte of [1, 2, 3]) {
      const whole = packet(0x30, Buffer.alloc(10_000, byte))
      reader.push(whole.subarray(0, 6000))
      reader.push(whole.subarray(6000))
    }
    expect(seen).toEqual([1, 2, 3].map((byte) => Buffer.alloc(10_000, byte).toString('hex')))
  })

  test('uses the same memory for one large frame after the other', () => {
    const memories = new Set<ArrayBufferLike>()
    const sink = new Collector()
    sink.frame = ({ buffer }) => memories.add(buffer).size > 0
    const reader = new FrameReader(sink, MAX_PACKET_BYTES, new Blocks())
    const whole = packet(0x30, Buffer.alloc(50_000))
    for (let i = 0; i < 100; i++) {
      reader.push(whole.subarray(0, 20_000))
      reader.push(whole.subarray(20_000))
    }
    expect(memories.size).toBe(1)
  })

  test('gives back the memory of a frame that never came whole', () => {
    const blocks = new Blocks()
    const stages: ((reader: FrameReader) => void)[] = [
      (reader) => reader.end(),
      // The first packet ends, and the length of the next is none.
      (reader) => reader.push(Buffer.concat([Buffer.alloc(6000), Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1])])),
    ]
    for (const finish of stages) {
      const reader = new FrameReader(new Collector(), MAX_PACKET_BYTES, blocks)
      reader.push(packet(0x30, Buffer.alloc(12_000)).subarray(0, 6003))
      expect(blocks.takeFree(8192)).toBe(undefined)
      finish(reader)
      expect(blocks.takeFree(8192)).not.toBe(undefined)
    }
  })

  test('takes no block for a piece of a packet that is small, whatever length it claims', () => {
    const blocks = new Blocks()
    const free = blocks.take(65_536)
    blocks.release(free)
    const begun = packet(0x30, Buffer.alloc(60_000)).subarray(0, 500)
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 10_000 }, () => {
      const reader = new FrameReader(new Collector(), MAX_PACKET_BYTES, blocks)
      reader.push(begun)
      return reader
    })
    const grownBytes = process.memoryUsage().arrayBuffers - before
    expect(readers.reduce((sum, reader) => sum + reader.heldBytes, 0)).toBe(5_000_000)
    // What has come, in pieces of the memory that Node shares out.
    expect(grownBytes).toBeLessThan(3 * 5_000_000)
    expect(blocks.takeFree(65_536)).toBe(free)
  })

  test('copies what waits only once, however many packets of a chunk stop it', () => {
    const sink = new Collector()
    sink.stops = true
    const reader = new FrameReader(sink, MAX_PACKET_BYTES, new Blocks())
    const chunk = Buffer.concat(Array.from({ length: 3000 }, () => packet(0x82, Buffer.alloc(18, 1))))
    const copies = vi.spyOn(Buffer, 'from')
    onTestFinished(() => copies.mockRestore())
    reader.push(chunk)
    chunk.fill(0xee)
    while (reader.isStopped) reader.resume(65_536)
    expect(copies).toHaveBeenCalledTimes(1)
    expect(sink.frames.length).toBe(3000)
    expect(new Set(sink.frames).size).toBe(1)
  })

  test('asks to go on when its limit stopped it, not when a frame did, and lets what comes meanwhile wait', () => {
    const sink = new Collector()
    sink.stops = true
    const reader = new FrameReader(sink, MAX_PACKET_BYTES, new Blocks())
    const ping = packet(0xc0, Buffer.alloc(0))
    reader.push(Buffer.concat([ping, ping, ping, ping, ping]))
    expect(reader.resume(2)).toBe(false)
    sink.stops = false
    expect(reader.resume(2)).toBe(true)
    reader.push(packet(0x30, Buffer.from([1])))
    expect(sink.frames).toHaveLength(3)
    expect(reader.waitingBytes).toBe(7)
    expect(reader.resume(100)).toBe(false)
    expect(reader.isStopped).toBe(false)
    expect(sink.frames.slice(3)).toEqual(['c000|', 'c000|', '3001|01'])
  })

  test('gives nothing more after a fault', () => {
    const sink = new Collector()
    const reader = new FrameReader(sink, 10, new Blocks())
    reader.push(Buffer.from([0x30, 100]))
    reader.push(Buffer.from([0xc0, 0]))
    expect(sink.frames).toEqual([])
  })
})
