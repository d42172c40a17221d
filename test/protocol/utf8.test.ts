import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isUtf8String } from '../../src/protocol/utf8.ts'
import { runs } from '../support/runs.ts'

function isValid(...bytes: number[]): boolean {
  return isUtf8String(Buffer.from(bytes), 0, bytes.length)
}

describe('isUtf8String', () => {
  test('accepts characters of one to four bytes and the empty string', () => {
    expect(isValid()).toBe(true)
    for (const text of ['a', '\u007F', 'é', 'ж', '漢', '😀', '\u{10FFFF}', '\uFFFF']) {
      expect(isValid(...Buffer.from(text)), text).toBe(true)
    }
  })

  test('accepts U+FEFF wherever it stands [MQTT-1.5.3-3]', () => {
    expect(isValid(...Buffer.from('\uFEFFa\uFEFF'))).toBe(true)
  })

  test('refuses the code points U+D800 to U+DFFF [MQTT-1.5.3-1]', () => {
    expect(isValid(0xed, 0xa0, 0x80)).toBe(false)
    expect(isValid(0xed, 0xbf, 0xbf)).toBe(false)
    expect(isValid(0xed, 0x9f, 0xbf)).toBe(true)
  })

  test('refuses overlong forms, lone and missing continuation bytes and code points past U+10FFFF [MQTT-1.5.3-1]', () => {
    expect(isValid(0xc0, 0xaf)).toBe(false)
    expect(isValid(0xe0, 0x80, 0xaf)).toBe(false)
    expect(isValid(0x61, 0x80)).toBe(false)
    expect(isValid(0x61, 0xc3)).toBe(false)
    expect(isValid(0xf4, 0x90, 0x80, 0x80)).toBe(false)
    expect(isValid(0xff)).toBe(false)
  })

  test('refuses U+0000, among ASCII and behind other characters [MQTT-1.5.3-2]', () => {
    expect(isValid(0)).toBe(false)
    expect(isValid(0x61, 0, 0x62)).toBe(false)
    expect(isValid(...Buffer.from('é\0'))).toBe(false)
    expect(isValid(0xc0, 0x80)).toBe(false)
  })

  test('looks at nothing outside of its range', () => {
    const bytes = Buffer.from([0xff, 0x00, 0x61, 0xc3, 0xa9, 0x00, 0xff])
    expect(isUtf8String(bytes, 2, 5)).toBe(true)
    expect(isUtf8String(bytes, 2, 4)).toBe(false)
    expect(isUtf8String(bytes, 1, 5)).toBe(false)
    expect(isUtf8String(bytes, 2, 6)).toBe(false)
  })

  test('agrees with a strict decoder on any bytes', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const codePoints = fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 5 })
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      codePoints.map((points) => Uint8Array.from(Buffer.from(String.fromCodePoint(...points)))),
    )
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        let expected = !bytes.includes(0)
        try {
          decoder.decode(bytes)
        } catch {
          expected = false
        }
        expect(isValid(...bytes)).toBe(expected)
      }),
      { numRuns: runs(100) },
    )
  })
})
