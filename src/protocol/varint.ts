// Hot path: runs per packet received; measured by `npm run bench`, all throughput rows.
/*
 * The Variable Byte Integer: one to four bytes with seven bits of the number each, the lowest first [MQTT-3.1.1 §2.2.3]
 * [MQTT5 §1.5.5]. Remaining lengths, property lengths and Subscription Identifiers are such.
 */

const MAX_BYTES = 4

/** What `varintEnd` says of a number whose last byte has not come. */
export const CUT_OFF = 0
/** What `varintEnd` says of a number that is longer than four bytes. Both are less than any offset behind a number. */
export const TOO_LONG = -1

/** The offset behind the number that begins at `at`, or CUT_OFF or TOO_LONG. What lies from `end` on is not looked at. */
export function varintEnd(bytes: Buffer, at: number, end: number): number {
  // Nearly all of them are of one byte.
  if (at < end && (bytes[at] ?? 0) < 0x80) return at + 1
  const longest = at + MAX_BYTES
  for (let next = at; next < longest; next++) {
    if (next >= end) return CUT_OFF
    if ((bytes[next] ?? 0) < 0x80) return next + 1
  }
  return TOO_LONG
}

/** The number that begins at `at`, which must be whole. */
export function readVarint(bytes: Buffer, at: number): number {
  let byte = bytes[at] ?? 0
  let value = byte & 0x7f
  for (let shift = 7; byte >= 0x80 && shift < 7 * MAX_BYTES; shift += 7) {
    byte = bytes[++at] ?? 0
    value |= (byte & 0x7f) << shift
  }
  return value
}

/** Whether the number from `start` to `end` takes no more bytes than it needs [MQTT5-1.5.5-1]. */
export function isShortest(bytes: Buffer, start: number, end: number): boolean {
  return end === start + 1 || bytes[end - 1] !== 0
}

/** How many bytes a number up to 268,435,455 takes in its shortest form. */
export function varintBytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4
}

/** Writes a number at `at` in its shortest form [MQTT5-1.5.5-1]; returns the offset behind it. */
export function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value
  while (rest > 127) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
