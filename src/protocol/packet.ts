import { varintBytes, writeVarint } from './varint.ts'

/** A packet of first byte, remaining length and `parts`. */
export function packet(firstByte: number, parts: readonly Buffer[]): Buffer {
  let remainingBytes = 0
  for (const part of parts) remainingBytes += part.length
  const head = Buffer.allocUnsafe(1 + varintBytes(remainingBytes))
  head[0] = firstByte
  writeVarint(head, 1, remainingBytes)
  return Buffer.concat([head, ...parts])
}
