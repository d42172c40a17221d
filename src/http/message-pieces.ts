import { isUtf8 } from 'node:buffer'
import { StringDecoder } from 'node:string_decoder'
import { shownBytes, type ShownPayload, withoutCutCharacter } from './shown-payload.ts'

/** A message as an answer has it, its payload apart. */
export interface MessageParts<Fields extends object = object> {
  readonly fields: Fields
  readonly payload: Buffer
}

/** What an answer has of a message besides its payload. */
export type WithoutPayload<Json> = Omit<Json, 'payload' | 'payloadBase64' | 'payloadBytes' | 'isWhole'>

/** Of a payload; whole groups of base64. */
const PIECE_BYTES = 48 * 1024

/**
 * A message as JSON, in pieces that each take well under a millisecond, its payload or what is shown of it last: `payloadBytes`,
 * `isWhole`, and `payload` as text when it is UTF-8, else `payloadBase64`.
 */
export function* messagePieces(
  { fields, payload }: MessageParts,
  shown: ShownPayload,
): Generator<string, void, undefined> {
  const payloadBytes = payload.length
  const length = shownBytes(payloadBytes, shown)
  const isWhole = length === payloadBytes
  const part = isWhole ? payload : withoutCutCharacter(payload.subarray(0, length))
  const isText = isUtf8(part)
  const name = isText ? 'payload' : 'payloadBase64'
  yield `${JSON.stringify({ ...fields, payloadBytes, isWhole }).slice(0, -1)},"${name}":"`
  const decoder = new StringDecoder('utf8')
  for (let at = 0; at < part.length; at += PIECE_BYTES) {
    const bytes = part.subarray(at, at + PIECE_BYTES)
    yield isText ? JSON.stringify(decoder.write(bytes)).slice(1, -1) : bytes.toString('base64')
  }
  yield '"}'
}
