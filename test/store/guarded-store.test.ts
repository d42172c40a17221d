import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HubbubError } from '../../src/base/errors.ts'
import { createHub, type Hub } from '../../src/hub.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { SessionState, Store } from '../../src/store/store.ts'
import { rejectionOf } from '../support/errors.ts'
import { until } from '../support/guard.ts'
import { watchLeftovers } from '../support/leftovers.ts'
import { subscribePacket } from '../support/packets.ts'
import { openRawClient } from '../support/raw-client.ts'
import { CollectingLog, startHubWithHttp, type TestHub } from '../support/start-hub.ts'

/** Every member of `Store`; the compiler says when one is missing or too many. */
const MEMBERS: Readonly<Record<keyof Store, 'at start' | 'at work' | 'at stop'>> = {
  start: 'at start',
  sessions: 'at start',
  retained: 'at start',
  wills: 'at start',
  openBatch: 'at work',
  changes: 'at work',
  isFailing: 'at work',
  addSession: 'at work',
  addGroup: 'at work',
  removeSession: 'at work',
  putRetained: 'at work',
  removeRetained: 'at work',
  putWill: 'at work',
  removeWill: 'at work',
  stop: 'at stop',
}

const FAULT = new Error('a bug of the program')

/** A store that works but for one member, which throws. */
class ThrowingStore extends MemoryStore {
  /** A shared subscription has come this far. */
  hasSeenGroup = false
  readonly #member: string

  constructor(member: string) {
    super()
    this.#member = member
    if (member === 'addGroup') return
    const isValue = ['openBatch', 'changes', 'isFailing'].includes(member)
    Object.defineProperty(this, member, { get: isValue ? fail : () => fail, set: ignore })
  }

  override addGroup(filter: string): SessionState {
    this.hasSeenGroup = true
    return this.#member === 'addGroup' ? fail() : super.addGroup(filter)
  }
}

function fail(): never {
  throw FAULT
}

function ignore(): void {
  // `changes` is counted by what is inherited.
}

function temporaryFolder(): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-own-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A hub with a store of its own, whose history lies in `data`. */
function startIn(data: string | undefined): Promise<Hub> {
  const config = { host: '127.0.0.1', port: 0, httpPort: 0, data }
  return createHub({ config, log: new CollectingLog(), store: new MemoryStore() })
}

function membersThatThrow(when: string): string[] {
  return Object.entries(MEMBERS)
    .filter(([, value]) => value === when)
    .map(([member]) => member)
}

/** Does what reaches every member of a store. Returns the errors that the program got. */
async function useEverything({ hub, port }: TestHub, store: ThrowingStore): Promise<unknown[]> {
  const errors: unknown[] = []
  const publish = (topic: string, payload: string, options: object): Promise<unknown> =>
    hub.publish(topic, payload, options).catch((error: unknown) => errors.push(error))
  const kept = await openRawClient(port)
  await kept.connect({ clientId: 'kept', isClean: false, will: { topic: 'will', payload: 'gone' } })
  // No SUBACK comes when it cannot be stored.
  kept.send(subscribePacket(1, [['$share/group/t', 1]]))
  await until(
    () => store.hasSeenGroup,
    () => 'the shared subscription to come to the store',
  )
  await publish('retained', 'x', { retain: true })
  await publish('retained', '', { qos: 1, retain: true })
  await publish('t', 'x', { qos: 1 })
  // It ends the session, and the connection of the client before.
  const clean = await openRawClient(port)
  await clean.connect({ clientId: 'kept', isClean: true })
  await kept.untilClosed()
  clean.destroy()
  return errors
}

describe('A store of the program that throws', () => {
  test.each(membersThatThrow('at start'))(
    'in "%s" ends the start, says so, and leaves nothing open',
    async (member) => {
      const leftovers = watchLeftovers()
      const config = { host: '127.0.0.1', port: 0, httpPort: 0 }
      const error = await rejectionOf(createHub({ config, log: new CollectingLog(), store: new ThrowingStore(member) }))
      expect(error).toMatchObject({ code: 'HUB_START_FAILED', cause: FAULT })
      await leftovers.untilGone()
    },
  )

  test.each(membersThatThrow('at work'))('in "%s" counts as failing, and the hub goes on', async (member) => {
    const store = new ThrowingStore(member)
    const testHub = await startHubWithHttp({ store })
    const { hub, log, httpPort } = testHub
    const errors = await useEverything(testHub, store)
    const codes = errors.map((error) => (error instanceof HubbubError ? error.code : error))
    expect(codes.filter((code) => code !== 'PUBLISH_REFUSED' && code !== 'PUBLISH_NOT_STORED')).toEqual([])
    const told = log.lines.items.map(({ fields }) => fields['err']).filter((err) => err !== undefined)
    expect(told).toEqual([expect.objectContaining({ code: 'STORE_FAILED', cause: FAULT })])
    const error = await rejectionOf(hub.publish('t', 'x', { qos: 1, retain: true }))
    expect(error.code).toBe('PUBLISH_REFUSED')
    // What need not be kept goes its way.
    const got: string[] = []
    hub.subscribe('t', ({ payload }) => void got.push(payload.toString()))
    await hub.publish('t', 'still here')
    expect(got).toEqual(['still here'])
    expect((await fetch(`http://127.0.0.1:${httpPort}/readyz`)).status).toBe(503)
  })

  test.each(membersThatThrow('at stop'))('in "%s" is told by who stops the hub, which is stopped', async (member) => {
    const leftovers = watchLeftovers()
    const config = { host: '127.0.0.1', port: 0, httpPort: 0 }
    const hub = await createHub({ config, log: new CollectingLog(), store: new ThrowingStore(member) })
    const error = await rejectionOf(hub.stop())
    expect(error).toMatchObject({ code: 'HUB_STOP_FAILED', cause: FAULT })
    await leftovers.untilGone()
  })
})

describe('The history of a hub with a store of its own', () => {
  test('is in memory when the program does not say where it lies', async () => {
    const folder = temporaryFolder()
    const cwd = process.cwd()
    process.chdir(folder)
    onTestFinished(() => process.chdir(cwd))
    const hub = await startIn(undefined)
    await hub.publish('t', 'x', { qos: 1 })
    expect((await hub.history?.page({}))?.entries).toHaveLength(1)
    await hub.stop()
    expect(readdirSync(folder)).toEqual([])
  })

  test('is in the folder that the program names, which no other hub may have meanwhile', async () => {
    const folder = joinPath(temporaryFolder(), 'data')
    const hub = await startIn(folder)
    await hub.publish('t', 'x', { qos: 1 })
    expect((await rejectionOf(startIn(folder))).code).toBe('STORE_LOCKED')
    await hub.stop()
    const next = await startIn(folder)
    onTestFinished(() => next.stop())
    expect((await next.history?.page({}))?.entries).toHaveLength(1)
  })
})
