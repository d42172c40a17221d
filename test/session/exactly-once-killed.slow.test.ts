import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { guarded } from '../support/guard.ts'
import { acknowledgePacket, publishPacket } from '../support/packets.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { runs } from '../support/runs.ts'
import { join, leave, takePayloads } from '../support/steps.ts'

const HUB = joinPath(fileURLToPath(new URL('../..', import.meta.url)), 'dist/hub/main.js')
/** The watcher's window holds them all. */
const MESSAGES = 60
const KILLS = 3
const ROUND_GUARD_MS = 20_000

const parent = mkdtempSync(joinPath(tmpdir(), 'hubbub-killed-twice-'))
afterAll(() => rmSync(parent, { recursive: true }))

async function startOn(data: string): Promise<{ readonly hub: TestProcess; readonly port: number }> {
  const hub = await startProcess(process.execPath, [HUB, '--port', '0', '--http-enabled=false', '--data', data])
  const [, port] = await hub.untilLine(/mqtt:\/\/[^\s:]+:(\d+)/)
  return { hub, port: Number(port) }
}

/** The sender's side of QoS 2 [MQTT-4.3.3-1]: what it knows survives each end of its connection. */
class Sender {
  /** By packet identifier: PUBREC has not come, or PUBCOMP has not. */
  readonly #open = new Map<number, 'published' | 'released'>()
  #client: RawClient | undefined = undefined
  #published = 0
  #isAnswered = false

  get isDone(): boolean {
    return this.#published === MESSAGES && this.#open.size === 0
  }

  /** Comes back, sends again what it has no answer to, and `count` new messages. */
  async connect(port: number, count: number): Promise<void> {
    const client = await openRawClient(port)
    this.#client = client
    const { isSessionPresent } = await client.connect({ clientId: 'sender', isClean: false })
    // A session of which nothing was acknowledged may be lost, and then is so with all that came.
    if (this.#isAnswered) expect(isSessionPresent).toBe(true)
    for (const [packetId, state] of this.#open) {
      if (state === 'published') client.send(this.#publish(packetId, isSessionPresent))
      else client.send(acknowledgePacket('PUBREL', packetId))
    }
    const until = Math.min(MESSAGES, this.#published + count)
    while (this.#published < until) {
      const packetId = ++this.#published
      this.#open.set(packetId, 'published')
      client.send(this.#publish(packetId, false))
    }
  }

  /** Takes so many answers, or all that are still to come. */
  async takeAnswers(count: number): Promise<void> {
    for (let left = count; left > 0 && this.#open.size > 0; left--) {
      const answer = await this.#client?.next()
      this.#isAnswered = true
      if (answer?.type === 'PUBREC') {
        this.#open.set(answer.packetId, 'released')
        this.#client?.send(acknowledgePacket('PUBREL', answer.packetId))
      } else if (answer?.type === 'PUBCOMP') this.#open.delete(answer.packetId)
      else throw new Error(`${answer?.type} is no answer to a message of QoS 2`)
    }
  }

  #publish(packetId: number, dup: boolean): Buffer {
    return publishPacket({ topic: 't', payload: `${packetId}`, qos: 2, packetId, dup })
  }
}

const rounds = fc.array(
  fc.record({ published: fc.integer({ min: 5, max: 20 }), answers: fc.integer({ min: 0, max: 40 }) }),
  {
    minLength: KILLS,
    maxLength: KILLS,
  },
)

test('A message of QoS 2 is delivered exactly once, wherever its exchange was when the hub was killed [MQTT-4.3.3-2]', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, async (kills) => {
      const data = mkdtempSync(joinPath(parent, 'data-'))
      let { hub, port } = await startOn(data)
      const watcher = await join(port, 'watcher', { isClean: false })
      await watcher.subscribe(['t', 2])
      await leave(watcher)
      const sender = new Sender()
      for (const { published, answers } of kills) {
        await sender.connect(port, published)
        await sender.takeAnswers(answers)
        await hub.end('SIGKILL')
        ;({ hub, port } = await startOn(data))
      }
      await sender.connect(port, MESSAGES)
      await guarded(sender.takeAnswers(Infinity), () => 'all answers', ROUND_GUARD_MS)
      expect(sender.isDone).toBe(true)
      const back = await join(port, 'watcher', { isClean: false })
      const got: number[] = []
      while (got.length < MESSAGES) got.push(Number((await back.next('PUBLISH')).payload.toString()))
      expect(got.toSorted((one, other) => one - other)).toEqual(Array.from({ length: MESSAGES }, (_, at) => at + 1))
      expect(await takePayloads(back)).toEqual([])
      expect(await hub.end()).toMatchObject({ code: 0 })
    }),
    { numRuns: runs(6) },
  )
})
