import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FieldReader, MalformedPacketError } from '../../src/protocol/field-reader.ts'
import { CUT_OFF, readVarint, TOO_LONG, varintBytes, varintEnd, writeVarint } from '../../src/protocol/varint.ts'
import { runs } from '../support/runs.ts'

const LARGEST = 268_435_455
const values = fc.oneof(
  fc.integer({ min: 0, max: LARGEST }),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, LARGEST),
)

describe('writeVarint', () => {
  test.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 0x01]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 0x01]],
    [LARGEST, [0xff, 0xff, 0xff, 0x7f]],
  ])('writes %i as the table of the standard has it [MQTT-3.1.1 2.2.3]', (value, expected) => {
    const target = Buffer.alloc(4)
    const end = writeVarint(target, 0, value)
    expect([...target.subarray(0, end)]).toEqual(expected)
    expect(varintBytes(value)).toBe(expected.length)
  })

  test('writes what is read back, wherever it stands, and what is read byte by byte is cut off until it is whole', () => {
    fc.assert(
      fc.property(values, fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 5 }), (value, at, rest) => {
        const target = Buffer.alloc(at + 4, 0xff)
        const end = writeVarint(target, at, value)
        expect(end - at).toBe(varintBytes(value))
        const bytes = Buffer.concat([target.subarray(0, end), rest])
        expect(readVarint(bytes, at)).toBe(value)
        expect(varintEnd(bytes, at, bytes.length)).toBe(end)
        for (let cut = at; cut < end; cut++) expect(varintEnd(bytes, at, cut)).toBe(CUT_OFF)
        expect(new FieldReader(bytes, at, bytes.length).variableByteInteger('it')).toBe(value)
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('varintEnd', () => {
  test('says that a number is longer than four bytes as soon as the fourth has come', () => {
    const bytes = Buffer.from([0xff, 0xff, 0xff, 0xff, 0])
    expect([3, 4, 5].map((end) => varintEnd(bytes, 0, end))).toEqual([CUT_OFF, TOO_LONG, TOO_LONG])
  })
})

describe('FieldReader refuses', () => {
  test.each([
    ['it is longer than four bytes', [0x80, 0x80, 0x80, 0x80, 0x01]],
    ['the packet ends inside it', [0x80, 0x80]],
    ['the packet ends inside it', []],
    ['it is not in its shortest form', [0x80, 0x00]],
    ['it is not in its shortest form', [0xff, 0x80, 0x80, 0x00]],
  ])('a variable byte integer: %s [MQTT5-1.5.5-1]', (reason, bytes) => {
    const reader = new FieldReader(Buffer.from(bytes), 0, bytes.length)
    expect(() => reader.variableByteInteger('it')).toThrow(new MalformedPacketError(reason))
  })
})
