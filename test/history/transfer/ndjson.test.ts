import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { messageProperties } from '../../../src/protocol/message-properties.ts'
import { encodeMessageProperties } from '../../../src/protocol/message-properties.ts'
import { Message } from '../../../src/protocol/message.ts'
import type { History } from '../../../src/history/history.ts'
import { allPages, payloadsOf, said, START_MS, startHistory } from '../stage.ts'

async function exported(history: History): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of history.export({})) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** A history that is stopped when the test ends. */
async function begin(): ReturnType<typeof startHistory> {
  const stage = await startHistory()
  onTestFinished(async () => stage.history.stop())
  return stage
}

function withoutSequence(lines: string): string {
  return lines.replaceAll(/"sequence":\d+/g, '"sequence":0')
}

/** A line of an export with what came so many seconds before the start. */
function lineBefore(seconds: number): string {
  const time = new Date(START_MS - seconds * 1000).toISOString()
  return JSON.stringify({ time, topic: 'a', qos: 1, retain: false, payload: String(seconds) })
}

function chunksOf(text: string, chunkBytes = 7): AsyncIterable<Buffer> {
  const bytes = Buffer.from(text)
  const count = Math.ceil(bytes.length / chunkBytes)
  return Readable.from(Array.from({ length: count }, (_, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes)))
}

describe('An export', () => {
  test('has a line for each message with all that came with it, the oldest first', async () => {
    const { history, clock } = await begin()
    history.offer(said('a', 'один', 1))
    clock.pass(5)
    history.offer(said('b', Buffer.from([0xff]), 2, true))
    expect(
      (await exported(history))
        .trimEnd()
        .split('\n')
        .map((text): unknown => JSON.parse(text)),
    ).toEqual([
      {
        sequence: 1,
        time: new Date(START_MS).toISOString(),
        topic: 'a',
        publisher: 'publisher',
        qos: 1,
        retain: false,
        payload: 'один',
      },
      {
        sequence: 2,
        time: new Date(START_MS + 5).toISOString(),
        topic: 'b',
        publisher: 'publisher',
        qos: 2,
        retain: true,
        payloadBase64: '/w==',
      },
    ])
  })

  test('gives back in an import, even cut anywhere, what it was made of', async () => {
    const { history, clock } = await begin()
    const properties = {
      isText: true,
      contentType: 'text/plain',
      responseTopic: 're/ply',
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ] as const,
    }
    const payload = Buffer.from('x')
    history.offer(Message.create('t', payload, 2, true, undefined, encodeMessageProperties(properties)))
    for (let i = 0; i < 100; i++) {
      clock.pass(1)
      history.offer(said(`a/${i % 3}`, i % 2 === 0 ? `строка\n${i}` : Buffer.from([i, 0xfe])))
    }
    const text = await exported(history)
    const other = await begin()
    other.clock.set(clock.nowMs())
    expect(await other.history.import(chunksOf(text))).toEqual({ imported: 101, tooOld: 0, faulty: 0, faults: [] })
    expect(withoutSequence(await exported(other.history))).toBe(withoutSequence(text))
    const [page] = await allPages(other.history, { order: 'oldest' })
    const first = page?.entries[0]
    expect(first === undefined ? undefined : messageProperties(first.message, first.atMs)).toEqual(properties)
  })

  test('has only what was asked for', async () => {
    const { history } = await begin()
    for (const [topic, payload] of [
      ['a/1', '1'],
      ['b', '2'],
      ['a/2', '3'],
    ] as const)
      history.offer(said(topic, payload))
    const lines: Buffer[] = []
    for await (const chunk of history.export({ filter: 'a/+', order: 'newest' })) lines.push(chunk)
    expect(
      Buffer.concat(lines)
        .toString()
        .match(/"payload":"\d"/g),
    ).toEqual(['"payload":"3"', '"payload":"1"'])
  })
})

describe('An import', () => {
  test('says of each line what is wrong with it and takes the others', async () => {
    const { history } = await begin()
    const time = new Date(START_MS - 1000).toISOString()
    const good = { time, topic: 'a', publisher: null, qos: 0, retain: false, payload: 'x' }
    const lines: unknown[] = [
      good,
      { ...good, topic: 'a/#' },
      { ...good, qos: 3 },
      { ...good, time: 'yesterday' },
      { ...good, time: new Date(START_MS + 1000).toISOString() },
      { ...good, payload: undefined },
      { ...good, payload: undefined, payloadBase64: '*' },
      { ...good, properties: { contentType: 5 } },
      { ...good, properties: { topicAlias: 5 } },
      { ...good, time: new Date(START_MS - 8 * 86_400_000).toISOString() },
    ]
    const text = `${lines.map((one) => JSON.stringify(one)).join('\n')}\n\nnonsense\n5`
    expect(await history.import(chunksOf(text))).toEqual({
      imported: 1,
      tooOld: 1,
      faulty: 10,
      faults: [
        expect.stringMatching(/^line 2: "topic" is not valid: it must not contain/),
        'line 3: "qos" must be 0, 1 or 2',
        'line 4: "time" must be a time such as 2026-01-31T12:00:00.000Z',
        'line 5: "time" is in the future',
        'line 6: "payload" must be text, or "payloadBase64" base64',
        'line 7: "payload" must be text, or "payloadBase64" base64',
        'line 8: "properties" are not those of a message',
        'line 9: "properties" are not those of a message',
        'line 12: it is not JSON',
        'line 13: it is not a JSON object',
      ],
    })
  })

  test('puts the past where it belongs, before what was recorded since and meanwhile', async () => {
    const { history, clock } = await begin()
    history.offer(said('a', 'now'))
    async function* chunks(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${lineBefore(20)}\n`)
      clock.pass(1)
      history.offer(said('a', 'meanwhile'))
      yield Buffer.from(`${lineBefore(10)}\n`)
    }
    await history.import(chunks())
    clock.pass(1)
    history.offer(said('a', 'after'))
    const pages = await allPages(history, { filter: 'a', order: 'oldest', limit: 2 })
    expect(pages.flatMap((page) => payloadsOf(page))).toEqual(['20', '10', 'now', 'meanwhile', 'after'])
  })

  test('ends at a line without end', async () => {
    const { history } = await begin()
    const endless = Readable.from(Array.from({ length: 34 }, () => Buffer.alloc(1024 ** 2, 'x')))
    await expect(history.import(endless)).rejects.toThrow('a line is longer than 32 MiB')
  })
})
