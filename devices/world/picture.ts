import type { Random } from './random.ts'

/** A colour in YCbCr, each from 0 to 255. */
export type Colour = readonly [luma: number, blue: number, red: number]

const BLOCK_PIXELS = 8
const MAX_SEGMENT_BYTES = 65_533
const START = [0xff, 0xd8]
const END = [0xff, 0xd9]
const JFIF = [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]
/** All steps are 8: the mean of a block, which JPEG keeps eight-fold, is then kept as it is. */
const QUANTIZATION = [0xff, 0xdb, 0, 67, 0, ...Array.from({ length: 64 }, () => 8)]
/** Differences of up to 8 bits, each length with a code of 4 bits; of the rest of a block only "all zero", in 1 bit. */
const HUFFMAN = [...huffmanTable(0x00, 4, [0, 1, 2, 3, 4, 5, 6, 7, 8]), ...huffmanTable(0x10, 1, [0])]
const SCAN = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0]

/**
 * Makes a JPEG (baseline, one colour for each block of 8 x 8) that any viewer shows, padded with comments that hold noise to
 * the size that a real picture would have. `colourAt` is asked for each block, by column and row.
 */
export function jpeg(
  columns: number,
  rows: number,
  colourAt: (column: number, row: number) => Colour,
  bytes: number,
  random: Random,
): Buffer {
  const [height, width] = [rows * BLOCK_PIXELS, columns * BLOCK_PIXELS]
  const size = [height >> 8, height & 255, width >> 8, width & 255]
  const frame = [0xff, 0xc0, 0, 17, 8, ...size, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]
  const head = Buffer.from([...START, ...JFIF])
  const body = Buffer.from([...QUANTIZATION, ...frame, ...HUFFMAN, ...SCAN])
  const picture = [body, encodeBlocks(columns, rows, colourAt), Buffer.from(END)]
  const pictureBytes = picture.reduce((sum, { length }) => sum + length, head.length)
  return Buffer.concat([head, ...noise(bytes - pictureBytes, random), ...picture])
}

/** The segment of a table whose codes all have the same length. */
function huffmanTable(id: number, codeBits: number, values: readonly number[]): number[] {
  const codesOfLength = Array.from({ length: 16 }, (_, index) => (index + 1 === codeBits ? values.length : 0))
  return [0xff, 0xc4, 0, 19 + values.length, id, ...codesOfLength, ...values]
}

/** Comment segments of so many bytes in all, or of a few less. */
function noise(bytes: number, random: Random): Buffer[] {
  const segments: Buffer[] = []
  for (let left = bytes; left > 4;) {
    const length = Math.min(left - 2, MAX_SEGMENT_BYTES)
    const segment = Buffer.alloc(length + 2)
    segment.writeUInt16BE(0xff_fe, 0)
    segment.writeUInt16BE(length, 2)
    let at = 4
    for (; at + 4 <= segment.length; at += 4) segment.writeUInt32LE(random.next() * 4_294_967_295, at)
    segments.push(segment)
    left -= segment.length
  }
  return segments
}

/** The entropy-coded part: for each component of each block the difference of its mean to the one before. */
function encodeBlocks(columns: number, rows: number, colourAt: (column: number, row: number) => Colour): Buffer {
  const bits = new Bits()
  const before = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (const [component, value] of colourAt(column, row).entries()) {
        const level = Math.round(value) - 128
        const difference = level - (before[component] ?? 0)
        before[component] = level
        const length = Math.abs(difference) === 0 ? 0 : 32 - Math.clz32(Math.abs(difference))
        bits.push(length, 4)
        // A negative number is written as its value minus one, without the sign.
        bits.push(difference < 0 ? difference + (1 << length) - 1 : difference, length)
        bits.push(0, 1)
      }
    }
  }
  return bits.end()
}

/** Bits to bytes, the highest first; after each byte of all ones JPEG wants a zero. */
class Bits {
  readonly #bytes: number[] = []
  #held = 0
  #count = 0

  push(value: number, length: number): void {
    this.#held = (this.#held << length) | value
    this.#count += length
    while (this.#count >= 8) {
      this.#count -= 8
      const byte = (this.#held >> this.#count) & 255
      this.#bytes.push(byte)
      if (byte === 255) this.#bytes.push(0)
    }
    this.#held &= (1 << this.#count) - 1
  }

  /** Fills the last byte with ones. */
  end(): Buffer {
    if (this.#count > 0) this.push((1 << (8 - this.#count)) - 1, 8 - this.#count)
    return Buffer.from(this.#bytes)
  }
}
