import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { listPieces } from '../../src/http/json-pieces.ts'
import { messagePieces } from '../../src/http/message-pieces.ts'
import { SHORT_PAYLOAD_BYTES } from '../../src/http/shown-payload.ts'
import { runs } from '../support/runs.ts'

/** Payloads of text and of bytes, around the sizes at which a piece, or what is shown of a short one, ends. */
const SIZE = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: SHORT_PAYLOAD_BYTES - 4, max: SHORT_PAYLOAD_BYTES + 4 }),
  fc.integer({ min: 48 * 1024 - 4, max: 48 * 1024 + 4 }),
  fc.constant(200_000),
)
const TEXTS = ['a', 'ж', '漢', '🐝', '"', '\\', '\n', '\u2028', '\u0000']
const PAYLOAD = fc.oneof(
  fc.tuple(fc.constantFrom(...TEXTS), fc.nat(3), SIZE).map(([text, shift, size]) => {
    const shifted = 'x'.repeat(shift) + text.repeat(Math.ceil(size / Buffer.byteLength(text)))
    return Buffer.from(shifted)
  }),
  fc.tuple(fc.integer({ min: 128, max: 255 }), SIZE).map(([byte, size]) => Buffer.alloc(size, byte)),
)

interface Read {
  readonly payload?: string
  readonly payloadBase64?: string
  readonly payloadBytes: number
  readonly isWhole: boolean
}

function bytesOf({ payload, payloadBase64 }: Read): Buffer {
  return payload === undefined ? Buffer.from(payloadBase64 ?? '', 'base64') : Buffer.from(payload)
}

test('A message in pieces is JSON that has its payload, or how it begins without a cut character', () => {
  fc.assert(
    fc.property(PAYLOAD, (payload) => {
      const fields = { topic: 'a/"b"', qos: 1 }
      const whole: Read = JSON.parse([...messagePieces({ fields, payload }, 'full')].join(''))
      expect(whole).toMatchObject({ ...fields, payloadBytes: payload.length, isWhole: true })
      expect(bytesOf(whole).equals(payload)).toBe(true)

      const short: Read = JSON.parse([...messagePieces({ fields, payload }, 'short')].join(''))
      const shown = bytesOf(short)
      expect(short).toMatchObject({ payloadBytes: payload.length, isWhole: payload.length <= SHORT_PAYLOAD_BYTES })
      expect(shown.equals(payload.subarray(0, shown.length))).toBe(true)
      expect(shown.length).toBeGreaterThan(Math.min(payload.length, SHORT_PAYLOAD_BYTES) - 4)
      expect(short.payload === undefined).toBe(whole.payload === undefined)
    }),
    { numRuns: runs(200) },
  )
})

function piecesOf(item: object): string[] {
  return [JSON.stringify(item)]
}

test.each([0, 1, 3])('A list of %i in pieces is JSON, whatever there is besides it', (count) => {
  const items = Array.from({ length: count }, (_, i) => ({ topic: `t/${i}` }))
  const rest = { nextCursor: null, scanned: 7 }
  expect(JSON.parse([...listPieces('topics', items, piecesOf, rest)].join(''))).toEqual({ topics: items, ...rest })
  expect(JSON.parse([...listPieces('topics', items, piecesOf)].join(''))).toEqual({ topics: items })
})
