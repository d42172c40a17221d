/** One block of a PEM file, with the lines that begin and end it. */
export interface PemBlock {
  /** What it holds: `CERTIFICATE`, `X509 CRL`, `EC PRIVATE KEY`. */
  readonly label: string
  readonly text: string
  /** Where it begins, from 1. */
  readonly line: number
}

/** A block that begins and does not end. OpenSSL would leave it out in silence. */
export interface CutBlock {
  readonly label: string
  readonly line: number
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----\s*$/
const END = /^-----END ([A-Z0-9 ]+)-----\s*$/

/** Cuts a PEM file into its blocks; what stands between them is left out. */
export function readPemBlocks(text: string): {
  readonly blocks: readonly PemBlock[]
  readonly cut: CutBlock | undefined
} {
  const blocks: PemBlock[] = []
  let open: { label: string; line: number; lines: string[] } | undefined
  for (const [i, line] of text.split('\n').entries()) {
    const [, begun] = BEGIN.exec(line) ?? []
    const [, ended] = END.exec(line) ?? []
    if (begun !== undefined) {
      if (open !== undefined) return { blocks, cut: open }
      open = { label: begun, line: i + 1, lines: [line] }
    } else if (open !== undefined) {
      open.lines.push(line)
      if (ended !== open.label) continue
      blocks.push({ label: open.label, line: open.line, text: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  return { blocks, cut: open }
}

/** The bytes that a block stands for. */
export function derOf({ text }: PemBlock): Buffer {
  return Buffer.from(text.replaceAll(/^-----.*$/gm, ''), 'base64')
}
