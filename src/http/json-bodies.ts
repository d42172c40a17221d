import { Transform, type TransformCallback } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { HttpProblem } from './problem.ts'
import { NDJSON } from './schemas/messages.ts'

/** A text of 4 MiB is copied so often on its way that it held the event loop for 20 to 50 ms. What is larger can come by MQTT. */
export const MAX_BODY_BYTES = 1024 ** 2
/**
 * To parse JSON takes by the number of its values, not by its length: a million of them held the event loop for 100 ms and more. With
 * so many it is less than 10 ms.
 */
const MAX_PARTS = 20_000
/** As of packets: of what is larger, so many times as much must be free, so that the largest are refused first. */
const ROOM_FACTOR = 4
const SMALL_BYTES = 4096

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `,`, `:`, `[` and `{`: each begins a part. */
const BEGINS_PART = new Uint8Array(256)
for (const character of ',:[{') BEGINS_PART[character.charCodeAt(0)] = 1

/** Has JSON bodies read within bounds: of memory while they come, which counts as `unfinished`, and of time when they are parsed. */
export function readJsonBodies(app: FastifyInstance, unfinished: MemoryAccount): void {
  app.addHook('preParsing', ({ headers }, reply, payload, done) => {
    const isEmpty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
    // An import is read line by line, and may be longer than any memory.
    if (isEmpty || headers['content-type']?.startsWith(NDJSON) === true) {
      done(null, payload)
      return
    }
    const body = new CountedBody(unfinished)
    reply.raw.once('close', () => body.giveBack())
    payload.once('error', (error) => body.destroy(error))
    // What is not read of it would be taken for the next request.
    body.once('error', () => void reply.header('Connection', 'close'))
    done(null, payload.pipe(body))
  })
  const parse = app.getDefaultJsonParser('ignore', 'ignore')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // Many bodies come in one turn, one after the other.
    await new Slices(LoopPart.HTTP).pause()
    if (hasMoreParts(body, MAX_PARTS)) {
      const text = `A body has at most ${MAX_PARTS} values, names and lists; send what has more as text, in "payload".`
      throw new HttpProblem('body-too-large', text)
    }
    return new Promise((resolve, reject) => {
      void parse(request, body.toString(), (error, json) => {
        if (error === null) resolve(json)
        else reject(error)
      })
    })
  })
}

/** A body on its way, which is counted. */
class CountedBody extends Transform {
  /** For Fastify, which compares it with Content-Length. */
  receivedEncodedLength = 0
  readonly #unfinished: MemoryAccount

  constructor(unfinished: MemoryAccount) {
    super()
    this.#unfinished = unfinished
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.receivedEncodedLength + chunk.length
    if (bytes > SMALL_BYTES && !this.#unfinished.mayTake(ROOM_FACTOR * bytes, 0)) {
      this.#unfinished.refuse()
      done(
        new HttpProblem(
          'unavailable',
          'There is no memory for the body beside all that the hub holds (limits.memory).',
        ),
      )
      return
    }
    this.#unfinished.take(chunk.length, 0)
    this.receivedEncodedLength = bytes
    done(null, chunk)
  }

  /** It is not read on: what came later would never be given back. */
  giveBack(): void {
    this.destroy()
    this.#unfinished.give(this.receivedEncodedLength, 0)
    this.receivedEncodedLength = 0
  }
}

/** Whether JSON has more than `most` values, names of members and lists, all counted by what begins them. */
export function hasMoreParts(json: Buffer, most: number): boolean {
  let parts = 0
  let texts = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0
    if (byte === QUOTE) {
      // This is not JSON, and the parser says so at once.
      if (++texts > parts + 1) return false
      at = endOfText(json, at + 1)
    } else if (BEGINS_PART[byte] === 1 && ++parts > most) return true
  }
  return false
}

/** Where the quotation mark is that ends a text. */
function endOfText(json: Buffer, from: number): number {
  const end = json.indexOf(QUOTE, from)
  if (end !== -1 && json[end - 1] !== BACKSLASH) return end
  // Of texts with very many escapes each would be a call.
  let at = from
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at
}
