import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'

const CHUNK_CHARACTERS = 64 * 1024

/**
 * A list as JSON, in pieces: `{"messages":[…],"nextCursor":null}`. Each item is made when it is its turn; `rest` is what there is
 * besides the list.
 */
export function* listPieces<T>(
  name: string,
  items: Iterable<T>,
  piecesOf: (item: T) => Iterable<string>,
  rest: object = {},
): Generator<string, void, undefined> {
  yield `{"${name}":[`
  let isFirst = true
  for (const item of items) {
    if (!isFirst) yield ','
    isFirst = false
    yield* piecesOf(item)
  }
  const others = JSON.stringify(rest).slice(1)
  yield others === '}' ? ']}' : `],${others}`
}

/** Sends JSON piece by piece, as the reader takes it, and lets others go first between the pieces. */
export function sendPieces(reply: FastifyReply, pieces: Iterable<string>): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(Readable.from(chunksOf(pieces), { objectMode: false }))
}

async function* chunksOf(pieces: Iterable<string>): AsyncGenerator<Buffer, void, undefined> {
  const slices = new Slices(LoopPart.HTTP)
  let text = ''
  for (const piece of pieces) {
    text += piece
    await slices.pause()
    if (text.length < CHUNK_CHARACTERS) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}
