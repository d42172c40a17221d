/** How much of each payload an answer has. */
export type ShownPayload = 'short' | 'full'

/** What lists show of a payload that they do not show whole. */
export const SHORT_PAYLOAD_BYTES = 4096

/** How many bytes of a payload are shown, but for a character that would be cut. */
export function shownBytes(payloadBytes: number, shown: ShownPayload): number {
  return shown === 'full' ? payloadBytes : Math.min(payloadBytes, SHORT_PAYLOAD_BYTES)
}

/** A text that was cut within a character is no less a text. */
export function withoutCutCharacter(payload: Buffer): Buffer {
  let start = payload.length - 1
  while (start > payload.length - 4 && ((payload[start] ?? 0) & 0xc0) === 0x80) start--
  const lead = payload[start] ?? 0
  const wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return start + wanted > payload.length ? payload.subarray(0, start) : payload
}
