import { describe, expect, test } from 'vitest'
import { GatedStore } from '../support/gated-store.ts'
import { until } from '../support/guard.ts'
import { publishPacket, subscribePacket } from '../support/packets.ts'
import { CARRIERS } from '../support/raw-client.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { isPublish, join, message } from '../support/steps.ts'

const SHARE_BYTES = 65_536
const MESSAGES = 4000
const PAYLOAD = 'x'.repeat(1000)
const HANDLED_MS = 40_000

describe.each(CARRIERS)('Client over $name whose SUBSCRIBE waits for the store', ({ open }) => {
  /** It sends some 4 MB behind its SUBSCRIBE; an observer gets them all. */
  async function setStage() {
    const store = new GatedStore()
    const limits = { maxOutputBytes: 64 * 1024 * 1024 }
    const hub = await startHubWithHttp({ store, config: { limits } })
    const observer = await join(hub.port, 'observer')
    await observer.subscribe(['#', 0])
    const client = await open(hub)
    await client.connect({ clientId: 'client', isClean: false })
    const { ledger } = hub.hub
    store.closeGate()
    const before = ledger.inputBytes
    client.send(subscribePacket(7, [['u', 1]]))
    for (let i = 0; i < MESSAGES; i += 100) client.send(...messages(i, 100))
    await until(
      () => ledger.inputBytes - before > SHARE_BYTES,
      () => 'more than a share to be read',
    )
    return { store, observer, client, hub, ledger, before }
  }

  test(
    'is read no further than it may, and is heard in order when it is stored, others between',
    { timeout: 60_000 },
    async () => {
      const { store, observer, client, hub, ledger, before } = await setStage()
      await turns(200)
      expect(ledger.inputBytes - before).toBeLessThan(4 * SHARE_BYTES)
      const sender = await join(hub.port, 'sender')
      const others = observer.received.length
      store.openGate()
      await client.next('SUBACK')
      await until(
        () => observer.received.length > others,
        () => 'the first message',
        HANDLED_MS,
      )
      sender.send(message('quiet'))
      await until(
        () => observer.received.length === others + MESSAGES + 1,
        () => `all messages, got ${observer.received.length - others}`,
        HANDLED_MS,
      )
      const topics = observer.received.filter(isPublish).map(({ topic }) => topic)
      expect(topics.indexOf('quiet')).toBeLessThan(MESSAGES)
      expect(topics.filter((topic) => topic !== 'quiet')).toEqual(Array.from({ length: MESSAGES }, (_, i) => `f/${i}`))
    },
  )

  test('may go meanwhile: what was read of it by then is heard', { timeout: 60_000 }, async () => {
    const { store, observer, client, hub } = await setStage()
    await turns(20)
    client.destroy()
    await turns(20)
    store.openGate()
    await until(
      () =>
        hub.log.lines.items.some(({ text, fields }) => text === 'connection closed' && fields['clientId'] === 'client'),
      () => 'the end of the client',
      HANDLED_MS,
    )
    await observer.restBeforePingresp()
    const topics = observer.received.filter(isPublish).map(({ topic }) => topic)
    expect(topics.length).toBeGreaterThan(SHARE_BYTES / 1100)
    expect(topics).toEqual(topics.map((_, i) => `f/${i}`))
  })
})

function messages(from: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => publishPacket({ topic: `f/${from + i}`, payload: PAYLOAD }))
}

async function turns(count: number): Promise<void> {
  let left = count
  await until(
    () => left-- === 0,
    () => `${count} turns`,
  )
}
