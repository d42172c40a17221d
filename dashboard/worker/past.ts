import type { Answer, ProblemJson } from '../../src/http/api-types.ts'
import type { KeptPayloads } from './kept.ts'
import { glance, hashesOf } from './payload.ts'
import { type Announcement, readAnnouncement } from './announcement.ts'
import { listed } from './properties.ts'
import type { Arrived, Past } from './protocol.ts'

type PageJson = Answer<'GET /messages'> | Answer<'GET /retained'>

type MessageJson = PageJson['messages'][number]

const NOTHING = { messages: [], nextCursor: null, previousCursor: null, sentBytes: 0, isAnswered: true }

/** What the hub sends of payloads in one answer: a page that has as much ended for it. */
const PAGE_BYTES = 1024 ** 2
/** Messages of a page in short that are asked for at first, and how many bytes they may have for the others to be asked for at once. */
const FIRST_PART = 30
const FIRST_PART_BYTES = 32 * 1024
/** Messages of an answer whose question says nothing of it. */
const DEFAULT_LIMIT = 100
const UNAUTHORIZED = 401
/** As much of large messages is read for one page here. */
const MAX_BYTES = 12 * PAGE_BYTES

/**
 * Reads a page of the hub's history, or of what it retains; in several answers when its messages are large, and of a page of large
 * payloads in short only the first of them: whoever wants more goes on from there. Never throws: what is wrong is in the answer.
 */
export async function readPast(url: string, kept: KeptPayloads): Promise<Past> {
  const next = new URL(url, location.href)
  const limit = Number(next.searchParams.get('limit') ?? DEFAULT_LIMIT)
  // Of a page around something the middle has to be the middle.
  const isInParts = next.searchParams.get('payload') === 'short' && !next.searchParams.has('around')
  if (isInParts) next.searchParams.set('limit', String(Math.min(limit, FIRST_PART)))
  const first = await readAnswer(next, kept)
  const messages = [...first.messages]
  let { nextCursor, fault, sentBytes } = first
  let isMoreWanted = isInParts ? sentBytes <= FIRST_PART_BYTES : sentBytes >= PAGE_BYTES
  while (isMoreWanted && nextCursor !== null && sentBytes < MAX_BYTES && messages.length < limit) {
    next.searchParams.set('cursor', nextCursor)
    next.searchParams.set('limit', String(limit - messages.length))
    // A cursor says where a page goes on; where it began has been told.
    next.searchParams.delete('around')
    const more = await readAnswer(next, kept)
    isMoreWanted = more.sentBytes >= PAGE_BYTES
    sentBytes += more.sentBytes
    messages.push(...more.messages)
    ;({ nextCursor, fault } = more)
  }
  return { ...first, messages, nextCursor, sentBytes, fault }
}

async function readAnswer(url: URL, kept: KeptPayloads): Promise<Past> {
  try {
    const response = await fetch(url)
    const body: PageJson | ProblemJson = await response.json()
    if (!('messages' in body)) {
      const fault = 'detail' in body ? body.detail : response.statusText
      // Whoever signs in is told.
      return { ...NOTHING, fault, isAnswered: response.status !== UNAUTHORIZED }
    }
    let sentBytes = 0
    const messages = body.messages.map((message) => {
      const payload = payloadOf(message)
      sentBytes += payload.length
      return arrivedFrom(message, payload, kept, url)
    })
    const previousCursor = 'previousCursor' in body ? body.previousCursor : null
    return { messages, nextCursor: body.nextCursor, previousCursor, sentBytes, fault: undefined, isAnswered: true }
  } catch (error) {
    return { ...NOTHING, fault: error instanceof Error ? error.message : String(error), isAnswered: false }
  }
}

/** Asks for all of the payload of a message that was told in short. */
async function readWhole(listUrl: URL, message: MessageJson): Promise<Uint8Array | undefined> {
  const url = new URL(listUrl.pathname, listUrl)
  const { topic, payloadBytes } = message
  const sequence = 'sequence' in message ? message.sequence : undefined
  const query = { payload: 'full', limit: '1', filter: topic }
  const place = sequence === undefined ? {} : { order: 'oldest', after: `seq:${sequence - 1}` }
  url.search = new URLSearchParams({ ...query, ...place }).toString()
  try {
    const body: PageJson | ProblemJson = await (await fetch(url)).json()
    const found = 'messages' in body ? body.messages[0] : undefined
    // Another may be retained by now, and history may have let go of it.
    const isIt = found?.payloadBytes === payloadBytes && found.atMs === message.atMs
    return isIt ? payloadOf(found) : undefined
  } catch {
    // Without a connection the banner says so.
    return undefined
  }
}

/** What the first of a page of retained messages announces; undefined without one. Never throws. */
export async function readAnnounced(url: string): Promise<Announcement | undefined> {
  try {
    const body: PageJson | ProblemJson = await (await fetch(url)).json()
    const about = 'messages' in body ? body.messages[0] : undefined
    return about === undefined ? undefined : readAnnouncement(about.payload ?? '')
  } catch {
    // Without a connection the banner says so.
    return undefined
  }
}

function arrivedFrom(message: MessageJson, payload: Uint8Array, kept: KeptPayloads, listUrl: URL): Arrived {
  const { topic, publisher, qos, retain, properties = {}, payloadBytes, isWhole, atMs } = message
  const { userProperties = [], ...rest } = properties
  const others = Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)])
  return {
    kind: 'arrived',
    id: isWhole ? kept.keep(payload) : kept.keep(payload, () => readWhole(listUrl, message)),
    topic,
    ...glance(payload, topic),
    bytes: payloadBytes,
    ...hashesOf(payload, isWhole),
    qos,
    retain,
    isDuplicate: false,
    atMs: atMs ?? 0,
    receipt: userProperties.find(([name]) => name === 'receipt')?.[1],
    correlation: undefined,
    publisher: publisher ?? undefined,
    ...listed([...others, ...userProperties.map(([name, value]): [string, string] => [`user: ${name}`, value])]),
  }
}

function payloadOf({ payload = '', payloadBase64 }: MessageJson): Uint8Array {
  return payloadBase64 === undefined ? new TextEncoder().encode(payload) : fromBase64(payloadBase64)
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.codePointAt(0) ?? 0)
}
