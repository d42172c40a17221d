import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { HistoryEntry, HistoryPosition, HistoryQuery } from '../../src/admin/history-view.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { naiveMatches } from '../router/naive-match.ts'
import { allPages, said, SetClock, START_MS, type Stage, startHistory } from './stage.ts'
import { runs } from '../support/runs.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-history-'))
afterAll(() => rmSync(parent, { recursive: true }))

const DAY_MS = 24 * 3_600_000
/** Chapters are as small as they can be, and some topics keep less than others. */
const SETTINGS = {
  maxBytes: 2 * 1024 ** 2,
  maxDays: 2,
  qos0PerSecondPerTopic: Infinity,
  rules: [
    { filter: 'few/#', maxMessages: 3 },
    { filter: 'short/#', maxDays: 1 },
    { filter: 'small/#', maxBytes: 2000 },
    { filter: 'never/#', record: false },
  ],
}

interface Said {
  readonly sequence: number
  readonly atMs: number
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
}

type Step =
  | {
      readonly do: 'say'
      readonly topic: string
      readonly payload: string | number
      readonly qos: QoS
      readonly retain: boolean
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'import'; readonly lines: readonly { readonly topic: string; readonly ageMs: number }[] }
  | { readonly do: 'store' | 'restart' | 'die' | 'clear up' }
  | { readonly do: 'ask'; readonly query: HistoryQuery }

const TOPICS = ['a', 'a/b', 'a/b/c', 'b/c', 'few/a', 'few/b', 'short/a', 'small/a', 'never/a', '$own/a']
const filter = fc.constantFrom('#', '+', 'a/#', 'a/b', '+/+', '+/c', 'few/+', 'short/a', 'small/#', '$own/#', 'none')
/** A text, or the length of a long one. */
const payload = fc.oneof(fc.constantFrom('', 'one', 'ONE two', '{"n":1}', '{"n":25,"s":"x"}'), fc.nat(40_000))
const place = fc.oneof(
  fc.nat(60).map((sequence) => ({ sequence })),
  fc.nat(3 * DAY_MS).map((ms) => ({ atMs: START_MS + ms })),
)
const query: fc.Arbitrary<HistoryQuery> = fc
  .record(
    {
      filter,
      order: fc.constantFrom('newest' as const, 'oldest' as const),
      limit: fc.integer({ min: 1, max: 12 }),
      before: place,
      after: place,
      around: place,
      text: fc.constantFrom('one', 'A', 'two'),
      where: fc.constantFrom('@.n > 10', '@.s == "x"'),
    },
    { requiredKeys: ['filter'] },
  )
  .map((asked) => ((asked.before ?? asked.after) === undefined ? asked : Object.assign(asked, { around: undefined })))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      topic: fc.constantFrom(...TOPICS),
      payload,
      qos: fc.constantFrom<QoS>(1, 2, 0),
      retain: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2000), fc.nat(DAY_MS / 2)) }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>({ do: 'store' }, { do: 'restart' }, { do: 'die' }, { do: 'clear up' }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), query }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('import' as const),
      lines: fc.array(fc.record({ topic: fc.constantFrom('a', 'a/b', 'b/c'), ageMs: fc.nat(DAY_MS) }), {
        maxLength: 8,
      }),
    }),
  },
)

/** What a history is, in as few lines as can be: a list. */
class Model {
  #said: Said[] = []
  #sequence = 1
  /** Sequence numbers and times go up together. */
  isInOrder = true

  add(atMs: number, message: Omit<Said, 'sequence' | 'atMs'>): void {
    if (message.topic.startsWith('never/')) return
    const one = { sequence: this.#sequence++, atMs, ...message }
    // In the order of their times, and of their coming where these are the same.
    this.#said.splice(this.#said.findLastIndex((other) => other.atMs <= atMs) + 1, 0, one)
  }

  clearUp(): void {
    for (const name of new Set(this.#said.map(({ topic: of }) => of))) {
      const mine = this.#said.filter((one) => one.topic === name)
      let bytes = mine.reduce((sum, one) => sum + sizeOf(one), 0)
      const isTooMuch = (): boolean =>
        (name.startsWith('few/') && mine.length > 3) || (name.startsWith('small/') && bytes > 2000)
      while (isTooMuch()) {
        const gone = mine.shift()
        if (gone === undefined) break
        bytes -= sizeOf(gone)
        this.#said = this.#said.filter((one) => one !== gone)
      }
    }
  }

  find(nowMs: number, { filter: wanted = '#', text, where, before, after }: HistoryQuery): Said[] {
    const isAfter = after === undefined ? () => true : isBehind(after, true)
    const isBefore = before === undefined ? () => false : isBehind(before, false)
    return this.#said.filter((one) => {
      const days = one.topic.startsWith('short/') ? 1 : 2
      return (
        one.atMs >= nowMs - days * DAY_MS &&
        naiveMatches(wanted, one.topic) &&
        isAfter(one) &&
        !isBefore(one) &&
        (text === undefined || `${one.topic}\n${one.payload}`.toLowerCase().includes(text.toLowerCase())) &&
        (where === undefined || holds(where, one.payload))
      )
    })
  }

  /** Returns the lines that are to be imported. */
  import(lines: readonly { readonly topic: string; readonly atMs: number }[]): unknown[] {
    if (lines.length > 0) this.isInOrder = false
    return lines
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(({ topic: of, atMs }) => {
        const message = { topic: of, payload: `of ${atMs}`, qos: 0, retain: false } as const
        this.add(atMs, message)
        return Object.assign({ time: new Date(atMs).toISOString(), publisher: null }, message)
      })
  }

  count(name: string): number | undefined {
    const { length } = this.#said.filter((one) => one.topic === name)
    return length === 0 ? undefined : length
  }

  /** The entries around a position: those before it, and those from it on. */
  around(nowMs: number, { around, ...rest }: HistoryQuery): readonly [Said[], Said[]] {
    const all = this.find(nowMs, rest)
    const isNewer = around === undefined ? () => true : isBehind(around, false)
    return [all.filter((one) => !isNewer(one)), all.filter((one) => isNewer(one))]
  }
}

/** Tells of entries whether they are behind a position; on it: at its time, or with its sequence number unless `isStrictly`. */
function isBehind(position: HistoryPosition, isStrictly: boolean): (one: Said) => boolean {
  if ('atMs' in position) return ({ atMs }) => atMs >= position.atMs
  return ({ sequence }) => sequence >= position.sequence + (isStrictly ? 1 : 0)
}

function holds(where: string, text: string): boolean {
  if (!text.startsWith('{')) return false
  const { n, s }: { n?: number; s?: string } = JSON.parse(text)
  return where.includes('n') ? (n ?? 0) > 10 : s === 'x'
}

function plain({ sequence, atMs, topic: of, qos, retain, message }: HistoryEntry): Said {
  return { sequence, atMs, topic: of, payload: message.payload.toString(), qos, retain }
}

/** What an entry takes in its block: see `src/history/log/history-block.ts`. */
function sizeOf({ topic: of, payload: text, qos, retain }: Said): number {
  const { packetBytes } = said(of, text, qos, retain)
  return 14 + 1 + 2 + 'publisher'.length + 4 + packetBytes
}

async function ask({ history, clock }: Stage, model: Model, asked: HistoryQuery): Promise<void> {
  const positions = [asked.before, asked.after, asked.around]
  if (!model.isInOrder && positions.some((position) => position !== undefined && 'sequence' in position)) return
  const { limit = 100, order = 'newest', around } = asked
  if (around !== undefined) {
    const [older, newer] = model.around(clock.nowMs(), asked)
    const page = await history.page(asked)
    const half = older.slice(-Math.floor(limit / 2)).slice(0, Math.floor(limit / 2))
    expect(page.entries.map(plain)).toEqual([...half, ...newer.slice(0, limit - half.length)])
    const { around: _, ...rest } = asked
    const behind: HistoryEntry[] = []
    for (let cursor = page.nextCursor; cursor !== null;) {
      const next = await history.page({ ...rest, cursor })
      behind.push(...next.entries)
      cursor = next.nextCursor
    }
    const ahead: HistoryEntry[] = []
    for (let cursor = page.previousCursor; cursor !== null;) {
      const previous = await history.page({ ...rest, cursor })
      ahead.unshift(...previous.entries)
      cursor = previous.previousCursor
    }
    expect([...ahead, ...page.entries, ...behind].map(plain)).toEqual([...older, ...newer])
    return
  }
  const expected = model.find(clock.nowMs(), asked)
  if (order === 'newest') expected.reverse()
  const pages = await allPages(history, asked)
  for (const page of pages.slice(0, -1)) expect(page.entries.length).toBe(limit)
  for (const page of pages) expect(page.isComplete).toBe(true)
  expect(pages.flatMap(({ entries }) => entries.map(plain))).toEqual(expected)
  // Whether what is behind a full page meets the conditions, the page does not say.
  const hasConditions = asked.text !== undefined || asked.where !== undefined
  const least = Math.max(1, Math.ceil(expected.length / limit))
  expect(pages.length - least).toBeLessThanOrEqual(hasConditions ? 1 : 0)
}

async function follow(steps: readonly Step[], folder: string | undefined): Promise<void> {
  const clock = new SetClock()
  const options = folder === undefined ? SETTINGS : { ...SETTINGS, folder }
  let stage = await startHistory({ ...options, clock })
  let at = folder
  const model = new Model()
  try {
    for (const one of steps) {
      if (one.do === 'say') {
        const { topic: of, payload: what, qos, retain } = one
        const text = typeof what === 'string' ? what : 'l'.repeat(what)
        stage.history.offer(said(of, text, qos, retain))
        model.add(clock.nowMs(), { topic: of, payload: text, qos, retain })
      } else if (one.do === 'import') {
        const lines = one.lines.map(({ topic: of, ageMs }) => ({ topic: of, atMs: clock.nowMs() - ageMs }))
        await stage.history.import(
          Readable.from(model.import(lines).map((line) => Buffer.from(`${JSON.stringify(line)}\n`))),
        )
      } else if (one.do === 'wait') clock.pass(one.ms)
      else if (one.do === 'store') await stage.history.stored()
      else if (one.do === 'restart' && at !== undefined) {
        await stage.history.stop()
        stage = await startHistory({ ...options, folder: at, clock })
      } else if (one.do === 'die' && at !== undefined) {
        // What is on disk at a moment at which nothing is written.
        await stage.history.stored()
        const copy = mkdtempSync(join(parent, 'copy-'))
        copyFileSync(join(at, 'history.mdb'), join(copy, 'history.mdb'))
        await stage.history.stop()
        at = copy
        stage = await startHistory({ ...options, folder: at, clock })
      } else if (one.do === 'clear up') {
        await stage.history.clearUp()
        model.clearUp()
        if (clock.nowMs() > START_MS + DAY_MS) continue
        for (const name of TOPICS)
          expect([name, stage.history.topic(name)?.messages]).toEqual([name, model.count(name)])
      } else if (one.do === 'ask') {
        await stage.history.clearUp()
        model.clearUp()
        await ask(stage, model, one.query)
      }
    }
    expect(stage.log.lines.items.filter(({ level }) => level === 'error')).toEqual([])
  } finally {
    await stage.history.stop()
  }
}

test('History in memory answers as a list would that is searched from end to end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 150, size: 'max' }), (steps) =>
      follow(steps, undefined),
    ),
    { numRuns: runs(100) },
  )
})

test('History on disk answers so too, also after it was stopped and started again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120, size: 'max' }), (steps) =>
      follow(steps, mkdtempSync(join(parent, 'data-'))),
    ),
    { numRuns: runs(6) },
  )
})
