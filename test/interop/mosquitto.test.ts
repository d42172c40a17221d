/** The command-line clients of Mosquitto 2.0, as people and scripts use them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/guard.ts'
import { mosquittoPub, mosquittoSub, runMosquittoSub } from '../support/mosquitto.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { startHub } from '../support/start-hub.ts'

const QOS_LEVELS = [0, 1, 2] as const
/** Programs are started first. */
const PROCESS_GUARD_MS = 15_000

/** Starts mosquitto_pub with options that `mosquittoPub` does not have; its input is left open. */
async function startPublisher(port: number, args: readonly string[]): Promise<TestProcess> {
  return startProcess('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), ...args])
}

async function writeTemporary(bytes: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hubbub-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  const path = join(folder, 'payload')
  await writeFile(path, bytes)
  return path
}

describe.each(['mqttv31', 'mqttv311'])('mosquitto_pub and mosquitto_sub with -V %s', (version) => {
  test.each(QOS_LEVELS)('carry a message at QoS %i', async (qos) => {
    const { port } = await startHub()
    const args = ['-V', version]
    const subscriber = await mosquittoSub(port, { topics: ['home/+/temperature'], qos, args })
    await mosquittoPub(port, { topic: 'home/kitchen/temperature', payload: '21.5', qos, args })
    expect(await subscriber.messages.atLeast(1)).toEqual([
      { topic: 'home/kitchen/temperature', payload: Buffer.from('21.5'), qos, retain: false },
    ])
    await subscriber.stop()
  })

  test('find the retained message, replace it, and remove it with an empty one', async () => {
    const { port } = await startHub()
    const args = ['-V', version]
    await mosquittoPub(port, { topic: 'lamp', payload: 'on', qos: 1, retain: true, args })
    await mosquittoPub(port, { topic: 'lamp', payload: 'off', qos: 1, retain: true, args })
    const found = await runMosquittoSub(port, { topics: ['lamp'], qos: 1, args: ['-C', '1', ...args] })
    expect(found).toEqual([{ topic: 'lamp', payload: Buffer.from('off'), qos: 1, retain: true }])
    await mosquittoPub(port, { topic: 'lamp', payload: '', qos: 1, retain: true, args })
    const { messages } = await mosquittoSub(port, { topics: ['lamp'], qos: 1, args })
    await mosquittoPub(port, { topic: 'lamp', payload: 'live', args })
    expect(await messages.atLeast(1)).toEqual([{ topic: 'lamp', payload: Buffer.from('live'), qos: 0, retain: false }])
  })

  test('keep a session with -c: what came while the subscriber was away is delivered in order', async () => {
    const { hub, port } = await startHub()
    const session = { topics: ['news/#'], qos: 1, args: ['-c', '-i', 'reader', '-V', version] }
    const first = await mosquittoSub(port, session)
    await first.stop()
    for (let i = 0; i < 150; i++) await hub.publish('news/today', `${i}`, { qos: 1 })
    await mosquittoPub(port, { topic: 'news/today', payload: 'last', qos: 1 })
    const second = await mosquittoSub(port, session)
    const got = await second.messages.atLeast(151, PROCESS_GUARD_MS)
    expect(got.map(({ payload }) => payload.toString())).toEqual([...Array(150).keys(), 'last'].map(String))
    await second.stop()
    expect(hub.pendingMessages).toBe(0)
  })
})

describe('mosquitto_sub', () => {
  test('that is killed has its will published, retained where it asked for that', async () => {
    const { port } = await startHub()
    const watcher = await mosquittoSub(port, { topics: ['status/#'], qos: 1 })
    const doomed = await mosquittoSub(port, {
      topics: ['anything'],
      args: ['--will-topic', 'status/дом', '--will-payload', 'ушёл 👋', '--will-qos', '1', '--will-retain'],
    })
    await doomed.process.end('SIGKILL')
    expect(await watcher.messages.atLeast(1)).toEqual([
      { topic: 'status/дом', payload: Buffer.from('ушёл 👋'), qos: 1, retain: false },
    ])
    const later = await runMosquittoSub(port, { topics: ['status/#'], qos: 1, args: ['-C', '1'] })
    expect(later).toEqual([{ topic: 'status/дом', payload: Buffer.from('ушёл 👋'), qos: 1, retain: true }])
  })

  test('that ends in order has no will published', async () => {
    const { hub, port } = await startHub()
    const wills: string[] = []
    hub.subscribe('will', ({ payload }) => void wills.push(payload.toString()))
    const args = ['--will-topic', 'will', '--will-payload', 'never']
    await (await mosquittoSub(port, { topics: ['anything'], args })).stop()
    await mosquittoPub(port, { topic: 'will', payload: 'end', qos: 1 })
    expect(wills).toEqual(['end'])
  })

  test('--remove-retained removes what it is sent and nothing else', async () => {
    const { hub, port } = await startHub()
    for (const topic of ['old/a', 'old/b/c', 'new/a']) await hub.publish(topic, 'x', { retain: true })
    const removed: string[] = []
    hub.subscribe('old/#', ({ topic, payload, retain }) => {
      if (!retain && payload.length === 0) removed.push(topic)
    })
    const cleaner = await mosquittoSub(port, { topics: ['old/#'], qos: 1, args: ['--remove-retained'] })
    await until(
      () => removed.length === 2,
      () => `two removals, got ${removed.join(', ')}`,
    )
    await cleaner.stop()
    const left = await runMosquittoSub(port, { topics: ['#'], args: ['-C', '1'] })
    expect(left.map(({ topic }) => topic)).toEqual(['new/a'])
    const topics: string[] = []
    hub.subscribe('#', ({ topic }) => void topics.push(topic))
    expect(topics).toEqual(['new/a'])
  })

  test('--retained-only and -E end by themselves', async () => {
    const { hub, port } = await startHub()
    await hub.publish('a', 'x', { retain: true })
    expect(await runMosquittoSub(port, { topics: ['a'], args: ['--retained-only', '-C', '1'] })).toHaveLength(1)
    await runMosquittoSub(port, { topics: ['nothing/here', 'nor/here'], args: ['-E'] })
  })

  test('with several -t gets a message once, at the highest QoS [MQTT-3.3.5-1]', async () => {
    const { port } = await startHub()
    const { messages } = await mosquittoSub(port, { topics: ['a/+', 'a/b', '#'], qos: 2 })
    await mosquittoPub(port, { topic: 'a/b', payload: '1', qos: 2 })
    await mosquittoPub(port, { topic: 'end', payload: '2', qos: 2 })
    expect((await messages.atLeast(2)).map(({ topic, qos }) => [topic, qos])).toEqual([
      ['a/b', 2],
      ['end', 2],
    ])
  })
})

describe('mosquitto_pub', () => {
  test.each(QOS_LEVELS)('-f sends a file of any bytes at QoS %i, NUL among them', async (qos) => {
    const { port } = await startHub()
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) % 256))
    const { messages } = await mosquittoSub(port, { topics: ['firmware'], qos })
    const publisher = await startPublisher(port, [
      '-t',
      'firmware',
      '-q',
      String(qos),
      '-f',
      await writeTemporary(bytes),
    ])
    expect(await publisher.untilExit(PROCESS_GUARD_MS)).toEqual({ code: 0, signal: null })
    const [message] = await messages.atLeast(1)
    expect(message?.payload.equals(bytes)).toBe(true)
  })

  test.each(QOS_LEVELS)('-f sends a million bytes at QoS %i', async (qos) => {
    const { port } = await startHub()
    const bytes = Buffer.alloc(1_000_000, Buffer.from(Array.from({ length: 251 }, (_, i) => i)))
    const { messages } = await mosquittoSub(port, { topics: ['firmware'], qos })
    const publisher = await startPublisher(port, [
      '-t',
      'firmware',
      '-q',
      String(qos),
      '-f',
      await writeTemporary(bytes),
    ])
    expect(await publisher.untilExit(PROCESS_GUARD_MS)).toEqual({ code: 0, signal: null })
    const [message] = await messages.atLeast(1, PROCESS_GUARD_MS)
    expect(message?.payload.equals(bytes)).toBe(true)
  })

  test.each(QOS_LEVELS)('-n sends no bytes at QoS %i, and that is a message', async (qos) => {
    const { port } = await startHub()
    const { messages } = await mosquittoSub(port, { topics: ['#'], qos })
    await mosquittoPub(port, { topic: 'пусто/🫙', payload: '', qos })
    expect(await messages.atLeast(1)).toEqual([{ topic: 'пусто/🫙', payload: Buffer.alloc(0), qos, retain: false }])
  })

  test.each(QOS_LEVELS)('-l sends 10,000 lines at QoS %i, and every line arrives in order', async (qos) => {
    const { hub, port } = await startHub()
    const { messages } = await mosquittoSub(port, { topics: ['lines'], qos })
    const inProcess: string[] = []
    hub.subscribe('lines', ({ payload }) => void inProcess.push(payload.toString()))
    const lines = Array.from({ length: 10_000 }, (_, i) => `строка ${i}`)
    const publisher = await startPublisher(port, ['-t', 'lines', '-q', String(qos), '-l'])
    publisher.endInput(`${lines.join('\n')}\n`)
    expect(await publisher.untilExit(30_000)).toEqual({ code: 0, signal: null })
    const got = await messages.atLeast(lines.length, 30_000)
    expect(inProcess).toEqual(lines)
    expect(got.map(({ payload }) => payload.toString())).toEqual(lines)
    expect(hub.ledger.droppedTotal).toBe(0)
  })
})
