import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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

describe('FrameReader', () => {
  test('gives the same packets however the stream is cut', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), (packets, places, stops) => {
        const encoded = packets.map(({ first, body }) => packet(first, body))
        const expected = encoded.map((bytes, index) => shown(bytes, packets[index]?.body.length ?? 0))
        const sink = new Collector()
        sink.stops = stops
        const reader = new FrameReader(sink, MAX_PACKET_BYTES)
        for (const chunk of cut(Buffer.concat(encoded), places)) reader.push(chunk)
        for (let i = 0; i <= packets.length && reader.isStopped; i++) reader.resume()
        expect(sink.frames).toEqual(expected)
        expect(sink.fault).toBe(undefined)
      }),
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
    const reader = new FrameReader(sink, MAX_PACKET_BYTES)
    for (const byte of Buffer.concat(encoded)) reader.push(Buffer.from([byte]))
    expect(sink.frames).toEqual([shown(encoded[0] ?? Buffer.alloc(0), 200), 'c000|', '6202|0007'])
  })

  test('refuses a remaining length over four bytes, whole or byte by byte [MQTT-3.1.1 2.2.3]', () => {
    for (const chunks of [[[0x30, 0xff, 0xff, 0xff, 0xff, 1]], [[0x30], [0xff], [0xff], [0xff], [0xff], [1]]]) {
      const sink = new Collector()
      const reader = new FrameReader(sink, 268_435_460)
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
      const reader = new FrameReader(sink, 1002)
      for (const chunk of chunks) reader.push(Buffer.from(chunk))
      expect(sink.fault).toMatchObject({
        message: 'packet of 1003 bytes is over the limit of 1002 bytes',
        code: ReasonCode.PACKET_TOO_LARGE,
      })
    }
  })

  test('takes a packet of just the limit', () => {
    const sink = new Collector()
    new FrameReader(sink, 1003).push(packet(0x30, Buffer.alloc(1000)))
    expect(sink.frames.length).toBe(1)
  })

  test('holds no more memory than has arrived for a length that is only claimed', () => {
    const reader = new FrameReader(new Collector(), 268_435_460)
    reader.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]))
    expect(reader.heldBytes).toBe(8)
  })

  test('gives nothing more after a fault', () => {
    const sink = new Collector()
    const reader = new FrameReader(sink, 10)
    reader.push(Buffer.from([0x30, 100]))
    reader.push(Buffer.from([0xc0, 0]))
    expect(sink.frames).toEqual([])
  })
})
