import { createInterface } from 'node:readline'
import type { ReadStream } from 'node:tty'
import { Writable } from 'node:stream'
import { HubbubError } from '../base/errors.ts'

const MAX_INPUT_BYTES = 4096

/**
 * Asks for a new password twice on a terminal, showing nothing of it; else reads the first line of standard input.
 * @throws HubbubError `COMMAND_INVALID` when there is none, or the two differ
 */
export async function askPassword(userName: string): Promise<Buffer> {
  const { stdin } = process
  if (!stdin.isTTY) return readPiped(stdin)
  const [first = '', second] = await askHidden(stdin, [`Password for ${userName}: `, 'The same again: '])
  if (first === second) return Buffer.from(first)
  throw wrong('both must be the same, they differ')
}

async function readPiped(input: NodeJS.ReadStream): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of input) {
    const bytes = Buffer.from(piece)
    pieces.push(bytes)
    length += bytes.length
    if (length > MAX_INPUT_BYTES) throw wrong(`standard input must have at most ${MAX_INPUT_BYTES} bytes, it has more`)
  }
  const [line = ''] = Buffer.concat(pieces).toString('utf8').split(/\r?\n/, 1)
  if (line === '') throw wrong('standard input must have it on its first line, there is nothing')
  return Buffer.from(line)
}

/** Asks one question after the other. Nothing is shown from before the first until the last is answered: people may type ahead. */
async function askHidden(input: ReadStream, questions: readonly string[]): Promise<string[]> {
  // The line can be edited, but what is typed is written nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output, terminal: true, historySize: 0 })
  const ended = new Promise<never>((_resolve, reject) => {
    lines.once('SIGINT', () => reject(wrong('it must be typed, that was cancelled')))
    lines.once('close', () => reject(wrong('it must be typed, the input has ended')))
  })
  const answers: string[] = []
  try {
    for (const question of questions) {
      process.stderr.write(question)
      const answer = new Promise<string>((resolve) => lines.once('line', resolve))
      answers.push(await Promise.race([answer, ended]))
      process.stderr.write('\n')
    }
  } finally {
    lines.close()
  }
  return answers
}

function wrong(what: string): HubbubError {
  return new HubbubError('COMMAND_INVALID', `Cannot read a password: ${what}`)
}
