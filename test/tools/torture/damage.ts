import { closeSync, ftruncateSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

const PAGE_BYTES = 4096
/** Where LMDB says which of its two states is the latest. */
const META_BYTES = 2 * PAGE_BYTES
const MAX_FLIPS = 40

/** Damages the largest file in `folder` in one of many ways, as disks and crashes do. Returns what was done. */
export function damageStore(folder: string, random: Random): string {
  const path = largestFile(folder)
  const { size } = statSync(path)
  const file = openSync(path, 'r+')
  try {
    return damage(file, size, random)
  } finally {
    closeSync(file)
  }
}

function damage(file: number, size: number, random: Random): string {
  const page = random.between(0, Math.max(0, Math.ceil(size / PAGE_BYTES) - 1)) * PAGE_BYTES
  switch (random.between(0, 8)) {
    case 0:
      return flip(file, 1, 0, size, random)
    case 1:
    case 2:
      return flip(file, random.between(2, MAX_FLIPS), 0, size, random)
    case 3:
      return flip(file, random.between(1, 4), 0, Math.min(size, META_BYTES), random)
    case 4:
      writeSync(file, noise(PAGE_BYTES, random), 0, PAGE_BYTES, page)
      return `noise in the page at ${page}`
    case 5:
      writeSync(file, Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, page)
      return `zeros in the page at ${page}`
    case 6:
      return cut(file, random.between(0, size), size)
    case 7:
      return cut(file, Math.max(0, size - random.between(1, 2 * PAGE_BYTES)), size)
    default:
      return cut(file, random.between(0, META_BYTES), size)
  }
}

function flip(file: number, count: number, from: number, to: number, random: Random): string {
  const byte = Buffer.alloc(1)
  const places: number[] = []
  for (let i = 0; i < count; i++) {
    const at = random.between(from, to - 1)
    readSync(file, byte, 0, 1, at)
    byte.writeUInt8((byte.readUInt8(0) ^ (1 << random.between(0, 7))) & 255)
    writeSync(file, byte, 0, 1, at)
    places.push(at)
  }
  return `bits flipped at ${places.slice(0, 8).join(', ')}${count > 8 ? ` and ${count - 8} more` : ''} of ${inBytes(to)}`
}

function cut(file: number, length: number, from: number): string {
  ftruncateSync(file, length)
  return `cut to ${inBytes(length)} of ${inBytes(from)}`
}

function inBytes(bytes: number): string {
  return `${bytes} bytes`
}

function noise(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)))
}

function largestFile(folder: string): string {
  const paths = readdirSync(folder).map((name) => join(folder, name))
  const [largest] = paths.toSorted((a, b) => statSync(b).size - statSync(a).size)
  if (largest === undefined) throw new Error(`there is no file in ${folder} to damage`)
  return largest
}
