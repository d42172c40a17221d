import { isUtf8 } from 'node:buffer'

/**
 * Tells whether `bytes[start, end)` is a string as MQTT has them: well-formed UTF-8, so without surrogates and overlong forms
 * [MQTT-1.5.3-1], and without U+0000 [MQTT-1.5.3-2]. U+FEFF is a character like any other [MQTT-1.5.3-3].
 */
export function isUtf8String(bytes: Buffer, start: number, end: number): boolean {
  let all = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === 0) return false
    all |= byte
  }
  return all < 0x80 || isUtf8(bytes.subarray(start, end))
}
