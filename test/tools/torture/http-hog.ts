import { publishPacket } from '../../support/packets.ts'
import type { HogConnection } from './hog-connection.ts'
import type { HogJob, HogReport } from './hog-kinds.ts'

const MEGABYTE = 1_000_000
const CAMERAS = 20
const LISTS = 3
const TEXTS = 10
const TOPICS = 20_000
const TOPICS_AT_ONCE = 500
/** Who ask at the same time. */
const ASKERS = 4
/** Of a reader that takes nothing. */
const UNREAD_MS = 500

const LIST = Buffer.from(`[${'1,'.repeat(130_000)}1]`)
/** Nearly the text that is looked for, everywhere. */
const NEARLY = Buffer.alloc(200_000, 'a')
const SOUGHT = `${'a'.repeat(500)}b${'a'.repeat(499)}`
const ALTERNATIVES = Array.from({ length: 60 }, (_, i) => `@[?@==${i + 2}]`).join('||')

/** What takes longest of all that may be asked. */
const QUERIES: readonly string[] = [
  '/api/v1/retained?limit=1000',
  '/api/v1/retained?limit=1000&payload=full',
  '/api/v1/retained?text=sought',
  `/api/v1/retained?text=${SOUGHT}`,
  '/api/v1/messages?limit=1000&payload=full',
  `/api/v1/messages?text=${SOUGHT}`,
  `/api/v1/messages?filter=list/%23&where=${encodeURIComponent(ALTERNATIVES)}`,
  `/api/v1/messages?filter=list/%23&where=${encodeURIComponent('count(@[*])>0')}`,
  '/api/v1/topics?prefix=topic/&limit=1000',
  '/api/v1/topics/top?limit=1000',
]

const JSON_BODY = { 'Content-Type': 'application/json' }
/** Bodies that take longest to read: what is let in, and what is not. */
const BODIES: readonly string[] = [
  `{"topic":"many","payloadJson":[${'{},'.repeat(9_900)}{}]}`,
  `{"topic":"many","payloadJson":[${'{},'.repeat(340_000)}{}]}`,
  `{"topic":"deep","payloadJson":${'['.repeat(19_000)}${']'.repeat(19_000)}}`,
  `{"topic":"long","payload":"${'x'.repeat(1_000_000)}"}`,
]

/** Some clients ask over HTTP what takes longest, again and again, and one reads nothing of what it is told. */
export async function askFlatOut(
  { httpUrl, seconds }: HogJob,
  connection: HogConnection,
  report: HogReport,
): Promise<void> {
  await prepare(connection)
  const endMs = performance.now() + seconds * 1000
  const unread = readNothing(`${httpUrl}/api/v1/feed?events=topics`, endMs)
  await Promise.all(Array.from({ length: ASKERS }, (_, i) => askInTurn(httpUrl, i, endMs, report)))
  await unread
}

async function prepare(connection: HogConnection): Promise<void> {
  const messages: [topic: string, payload: Buffer, retain: boolean][] = []
  for (let i = 0; i < CAMERAS; i++) messages.push([`camera/${i}`, Buffer.alloc(MEGABYTE, 'x'), true])
  for (let i = 0; i < LISTS; i++) messages.push([`list/${i}`, LIST, true])
  for (let i = 0; i < TEXTS; i++) messages.push([`text/${i}`, NEARLY, true])
  for (const [i, [topic, payload, retain]] of messages.entries()) {
    await connection.write(publishPacket({ topic, payload, retain, qos: 1, packetId: i + 1, properties: [] }))
    await connection.untilAnswered(i + 1)
  }
  for (let at = 0; at < TOPICS; at += TOPICS_AT_ONCE) {
    const some = Array.from({ length: TOPICS_AT_ONCE }, (_, i) =>
      publishPacket({ topic: `topic/${at + i}`, payload: 'x', properties: [] }),
    )
    await connection.write(Buffer.concat(some))
  }
}

async function askInTurn(httpUrl: string, first: number, endMs: number, report: HogReport): Promise<void> {
  for (let at = first; performance.now() < endMs; at++) {
    try {
      const body = BODIES[at % (QUERIES.length + BODIES.length)]
      const answer =
        body === undefined
          ? await fetch(`${httpUrl}${QUERIES[at % QUERIES.length]}`)
          : await fetch(`${httpUrl}/api/v1/publish`, { method: 'POST', body, headers: JSON_BODY })
      await answer.arrayBuffer()
      if (answer.ok) report.done++
      else if (answer.status < 500) report.refused++
      else report.broken++
    } catch {
      report.broken++
    }
  }
}

async function readNothing(url: string, endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    const controller = new AbortController()
    await fetch(url, { signal: controller.signal }).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, UNREAD_MS))
    controller.abort()
  }
}
