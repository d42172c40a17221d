import { lengthBytes, writeLength } from './message.ts'

/** A packet of first byte, remaining length and `parts`. */
export function packet(firstByte: number, parts: readonly Buffer[]): Buffer {
  let remainingBytes = 0
  for (const part of parts) remainingBytes += part.length
  const head = Buffer.allocUnsafe(1 + lengthBytes(remainingBytes))
  head[0] = firstByte
  writeLength(head, 1, remainingBytes)
  return Buffer.concat([head, ...parts])
}
