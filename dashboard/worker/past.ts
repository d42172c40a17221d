import type { Answer, ProblemJson } from '../../src/http/api-types.ts'
import type { KeptPayloads } from './kept.ts'
import { glance, hashOf } from './payload.ts'
import { type Announcement, readAnnouncement } from './announcement.ts'
import { listed } from './properties.ts'
import type { Arrived, Past } from './protocol.ts'

type PageJson = Answer<'GET /messages'> | Answer<'GET /retained'>

type MessageJson = PageJson['messages'][number]

const NOTHING = { messages: [], nextCursor: null, previousCursor: null, isAnswered: true }

/** What the hub sends of payloads in one answer: a page that has as much ended for it. */
const PAGE_BYTES = 1024 ** 2
/** Messages of an answer whose question says nothing of it. */
const DEFAULT_LIMIT = 100
/** As much of large messages is read for one page here. */
const MAX_BYTES = 12 * PAGE_BYTES

/**
 * Reads a page of the hub's history, or of what it retains; in several answers when its messages are large. Never throws: what is
 * wrong is in the answer.
 */
export async function readPast(url: string, kept: KeptPayloads): Promise<Past> {
  const first = await readAnswer(url, kept)
  const next = new URL(url, location.href)
  const limit = Number(next.searchParams.get('limit') ?? DEFAULT_LIMIT)
  const messages = [...first.messages]
  let bytes = bytesOf(first.messages)
  let { nextCursor, fault } = first
  let isCutOff = bytes >= PAGE_BYTES
  while (isCutOff && nextCursor !== null && bytes < MAX_BYTES && messages.length < limit) {
    next.searchParams.set('cursor', nextCursor)
    next.searchParams.set('limit', String(limit - messages.length))
    // A cursor says where a page goes on; where it began has been told.
    next.searchParams.delete('around')
    const more = await readAnswer(next.href, kept)
    isCutOff = bytesOf(more.messages) >= PAGE_BYTES
    bytes += bytesOf(more.messages)
    messages.push(...more.messages)
    ;({ nextCursor, fault } = more)
  }
  return { ...first, messages, nextCursor, fault }
}

function bytesOf(messages: readonly Arrived[]): number {
  return messages.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function readAnswer(url: string, kept: KeptPayloads): Promise<Past> {
  try {
    const response = await fetch(url)
    const body: PageJson | ProblemJson = await response.json()
    if (!('messages' in body)) return { ...NOTHING, fault: 'detail' in body ? body.detail : response.statusText }
    const messages = body.messages.map((message) => arrivedFrom(message, kept))
    const previousCursor = 'previousCursor' in body ? body.previousCursor : null
    return { messages, nextCursor: body.nextCursor, previousCursor, fault: undefined, isAnswered: true }
  } catch (error) {
    return { ...NOTHING, fault: error instanceof Error ? error.message : String(error), isAnswered: false }
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

function arrivedFrom(
  { topic, publisher, qos, retain, properties = {}, ...json }: MessageJson,
  kept: KeptPayloads,
): Arrived {
  const payload =
    json.payloadBase64 === undefined ? new TextEncoder().encode(json.payload ?? '') : fromBase64(json.payloadBase64)
  const { userProperties = [], ...rest } = properties
  const others = Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)])
  return {
    kind: 'arrived',
    id: kept.keep(payload),
    topic,
    ...glance(payload, topic),
    bytes: payload.length,
    hash: hashOf(payload),
    qos,
    retain,
    isDuplicate: false,
    atMs: json.atMs ?? 0,
    receipt: userProperties.find(([name]) => name === 'receipt')?.[1],
    correlation: undefined,
    publisher: publisher ?? undefined,
    ...listed([...others, ...userProperties.map(([name, value]): [string, string] => [`user: ${name}`, value])]),
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.codePointAt(0) ?? 0)
}
