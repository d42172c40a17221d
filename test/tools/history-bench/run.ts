// `npm run bench:history [messages]`: what recording costs, and how long questions to a large history take.
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import type { HistoryQuery } from '../../../src/admin/history-view.ts'
import { History, type HistorySettings } from '../../../src/history/history.ts'
import { Clock } from '../../../src/base/clock.ts'
import { createLog } from '../../../src/base/log.ts'
import { Message } from '../../../src/protocol/message.ts'
import { encodePublish } from '../../../src/protocol/publish-packet.ts'
import { DiskHistoryLog } from '../../../src/history/log/disk-history-log.ts'
import { HoldWatch } from './hold-watch.ts'

const DAY_MS = 24 * 3_600_000
const START_MS = Date.UTC(2026, 0, 1)
const SPAN_MS = 6 * DAY_MS
const DEVICES = 1000
const QUESTIONS = 200

const settings: HistorySettings = {
  enabled: true,
  maxBytes: 8 * 1024 ** 3,
  maxDays: 7,
  qos0PerSecond: 2000,
  qos0BytesPerSecond: 2 * 1024 ** 2,
  qos0BytesPerSecondPerTopic: 64 * 1024,
  qos0PerSecondPerTopic: 20,
  maxMessagesPerSecond: 20_000,
  rules: [],
}

/** A clock that stands until it is set. */
class SetClock extends Clock {
  #nowMs = START_MS

  constructor() {
    super()
    this.turnMs = START_MS
  }

  override nowMs(): number {
    return this.#nowMs
  }

  set(atMs: number): void {
    this.#nowMs = atMs
    this.turnMs = atMs
  }
}

function open(folder: string, clock: Clock, more: Partial<HistorySettings> = {}): History {
  const log = createLog({ level: 'error' })
  const store = new DiskHistoryLog({ folder, log })
  const topicLimits = { maxTopicBytes: 1024, maxTopicLevels: 32 }
  return new History({ settings: { ...settings, ...more }, store, clock, log, topicLimits })
}

function topicOf(number: number): string {
  const device = number % DEVICES
  return `site/${device % 10}/device/${device}/state`
}

function payloadOf(number: number): Buffer {
  const temperature = (15 + (number % 200) / 10).toFixed(1)
  return Buffer.from(`{"temperature":${temperature},"humidity":${40 + (number % 30)},"count":${number}}`)
}

function message(topic: string, payload: Buffer, qos: 0 | 1): Message {
  return Message.create(topic, payload, qos, false, `device-${topic.length}`)
}

function pick(from: readonly Message[], i: number): Message {
  const one = from[i % from.length]
  if (one === undefined) throw new RangeError('there is none')
  return one
}

function print(title: string, rows: readonly (readonly (string | number)[])[]): void {
  const [head = [], ...rest] = rows
  console.log(`\n${title}\n`)
  for (const row of [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rest])
    console.log(`| ${row.join(' | ')} |`)
}

function sorted(times: readonly number[]): (share: number) => string {
  const ordered = times.toSorted((a, b) => a - b)
  return (share) => (ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? 0).toFixed(2)
}

/** Nanoseconds of processor time of the main thread for each message. */
async function recordingCost(folder: string): Promise<void> {
  const clock = new SetClock()
  const history = open(folder, clock)
  await history.start()
  const rows: (readonly (string | number)[])[] = [['What comes', 'ns a message', 'recorded', 'left out']]
  const time = (name: string, times: number, offer: (i: number) => unknown, messagesEach = 1): void => {
    const before = history.snapshot()
    const startedAtMs = performance.now()
    for (let i = 0; i < times; i++) offer(i)
    const ns = ((performance.now() - startedAtMs) * 1e6) / (times * messagesEach)
    const after = history.snapshot()
    const leftOut = (of: typeof after): number => Object.values(of.leftOut).reduce((sum, one) => sum + one, 0)
    rows.push([name, ns.toFixed(1), after.recorded - before.recorded, leftOut(after) - leftOut(before)])
    clock.set(clock.nowMs() + 10_000)
  }
  const many = Array.from({ length: 1000 }, (_, i) => message(topicOf(i), payloadOf(i), 0))
  const some = many.slice(0, 50)
  const atQos1 = Array.from({ length: 1000 }, (_, i) => message(topicOf(i), payloadOf(i), 1))
  const packets = Array.from({ length: 100 }, (_, i) =>
    encodePublish(Buffer.from(topicOf(1)), undefined, payloadOf(i), false),
  )
  const chunk = Buffer.concat(packets)
  const run = new Message()
  run.set(topicOf(1), 0, false, chunk, 0, 0, chunk.length)
  run.count = packets.length
  for (let round = 0; round < 2; round++) {
    rows.length = 1
    let nothing = 0
    time('the loop of this benchmark alone', 4_000_000, (i) => (nothing += pick(many, i).qos))
    time('QoS 0 of 1,000 topics, in one second', 4_000_000, (i) => history.offer(pick(many, i)))
    time('QoS 0 of 50 topics, in one second', 4_000_000, (i) => history.offer(pick(some, i)))
    time('QoS 0 of one topic, in runs of 100', 100_000, () => history.offerRun(run), 100)
    time('QoS 1 of 1,000 topics, in one second', 2_000_000, (i) => history.offer(pick(atQos1, i)))
    await history.stored()
    time('QoS 1 of 1,000 topics, all of it recorded', 20_000, (i) => history.offer(pick(atQos1, i)))
    await history.stored()
  }
  await history.stop()
  print('Recording: what it takes of the main thread', rows)
}

async function fill(history: History, clock: SetClock, messages: number): Promise<void> {
  const startedAtMs = performance.now()
  for (let i = 0; i < messages; i++) {
    if (i % 1000 === 0) {
      clock.set(START_MS + Math.floor((i / messages) * SPAN_MS))
      if (history.snapshot().pending > 50_000) await history.stored()
    }
    // One device in a hundred says much less than the others.
    const number = i % 100 === 0 && i % 10_000 !== 0 ? i + 1 : i
    history.offer(message(topicOf(number), payloadOf(i), 1))
  }
  await history.stored()
  const seconds = (performance.now() - startedAtMs) / 1000
  const { bytes, leftOut } = history.snapshot()
  console.log(
    `\nFilled with ${messages.toLocaleString('en')} messages, ${(bytes / 1024 ** 2).toFixed(0)} MiB, in ${seconds.toFixed(0)} s ` +
      `(${Math.round(messages / seconds).toLocaleString('en')}/s), left out ${JSON.stringify(leftOut)}`,
  )
}

async function ask(history: History): Promise<void> {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 48_271) >>> 0) % 2_147_483_647
    return seed % below
  }
  const time = (): number => START_MS + random(SPAN_MS)
  const questions: (readonly [name: string, query: () => HistoryQuery])[] = [
    ['newest 50 of one topic', () => ({ filter: topicOf(random(DEVICES)), limit: 50 })],
    ['newest 50 of a rare topic', () => ({ filter: topicOf(100 * random(10)), limit: 50 })],
    [
      '50 of one topic before a time',
      () => ({ filter: topicOf(random(DEVICES)), limit: 50, before: { atMs: time() } }),
    ],
    [
      '50 of one topic around a time',
      () => ({ filter: topicOf(random(DEVICES)), limit: 50, around: { atMs: time() } }),
    ],
    ['newest 100 of site/+/device/#', () => ({ filter: `site/${random(10)}/device/#`, limit: 100 })],
    ['100 of # before a time', () => ({ limit: 100, before: { atMs: time() } })],
    ['1,000 of # after a time, oldest first', () => ({ limit: 1000, order: 'oldest', after: { atMs: time() } })],
    ['text in one topic', () => ({ filter: topicOf(random(DEVICES)), limit: 50, text: `"count":${random(9)}` })],
    ['JSON path in one topic', () => ({ filter: topicOf(random(DEVICES)), limit: 50, where: '@.temperature > 30' })],
    ['text that nothing has, in all', () => ({ text: 'nothing has this' })],
    ['JSON path that nothing meets, in all', () => ({ where: '@.temperature > 99' })],
  ]
  const rows: (readonly (string | number)[])[] = [
    ['Question', 'median ms', 'p99 ms', 'longest ms', 'loop held ms', 'entries', 'looked at'],
  ]
  for (const [name, query] of questions) {
    const times: number[] = []
    let [entries, scanned, rounds] = [0, 0, 0]
    const watch = new HoldWatch()
    for (; rounds < QUESTIONS && !(rounds >= 20 && times.reduce((sum, one) => sum + one, 0) > 5000); rounds++) {
      await setImmediate()
      const startedAtMs = performance.now()
      const page = await history.page(query())
      times.push(performance.now() - startedAtMs)
      entries += page.entries.length
      scanned += page.scanned
    }
    const heldMs = await watch.end()
    const at = sorted(times)
    rows.push([
      name,
      at(0.5),
      at(0.99),
      at(1),
      heldMs.toFixed(1),
      Math.round(entries / rounds),
      Math.round(scanned / rounds).toLocaleString('en'),
    ])
  }
  print('Pages', rows)
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en')
}

async function carryOver(history: History, clock: SetClock, folder: string): Promise<void> {
  const rows: (readonly (string | number)[])[] = [['What', 'messages', 'a second', 'MiB', 'loop held ms']]
  const file = join(folder, 'export.ndjson')
  const time = async (name: string, work: () => Promise<number>, bytes: () => number): Promise<void> => {
    const watch = new HoldWatch()
    const startedAtMs = performance.now()
    const messages = await work()
    const seconds = (performance.now() - startedAtMs) / 1000
    const heldMs = await watch.end()
    const mib = (bytes() / 1024 ** 2).toFixed(0)
    rows.push([name, count(messages), count(messages / seconds), mib, heldMs.toFixed(1)])
  }
  const inFile = (): number => statSync(file).size
  await time(
    'export to a file',
    async () => {
      await pipeline(Readable.from(history.export({}), { objectMode: false }), createWriteStream(file))
      return history.snapshot().messages
    },
    inFile,
  )
  let bytes = 0
  await time(
    'export of one topic in ten',
    async () => {
      let messages = 0
      bytes = 0
      for await (const chunk of history.export({ filter: 'site/3/#' })) {
        bytes += chunk.length
        messages += chunk.toString('latin1').split('\n').length - 1
      }
      return messages
    },
    () => bytes,
  )
  const other = open(mkdtempSync(join(folder, 'other-')), clock, { maxBytes: 64 * 1024 ** 3 })
  await other.start()
  await time('import', async () => (await other.import(createReadStream(file))).imported, inFile)
  await other.stop()
  print('Export and import', rows)
}

async function main(): Promise<void> {
  const messages = Number(process.argv[2] ?? 5_000_000)
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-history-bench-'))
  try {
    console.log(
      `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
    )
    await recordingCost(folder)
    rmSync(folder, { recursive: true })
    const data = mkdtempSync(join(tmpdir(), 'hubbub-history-bench-'))
    const clock = new SetClock()
    let history = open(data, clock, { maxMessagesPerSecond: Infinity, maxBytes: 64 * 1024 ** 3 })
    await history.start()
    await fill(history, clock, messages)
    await history.stop()
    const startedAtMs = performance.now()
    history = open(data, clock)
    await history.start()
    console.log(`started on it again in ${(performance.now() - startedAtMs).toFixed(0)} ms`)
    console.log(`the file has ${(statSync(join(data, 'history.mdb')).size / 1024 ** 2).toFixed(0)} MiB`)
    await ask(history)
    await carryOver(history, clock, data)
    await history.stop()
    rmSync(data, { recursive: true })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
