import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { join5 } from '../conformance/steps5.ts'
import { acknowledgePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import type { ReceivedPacket } from '../support/received-packet.ts'
import { runs } from '../support/runs.ts'
import { expectLedgerBalanced, join, lose, publish, untilReason } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

/** What a client of a kept session does with what it gets, and how it comes back. */
type Step =
  | { readonly do: 'publish'; readonly qos: 1 | 2; readonly bytes: number; readonly expirySeconds: number | undefined }
  | { readonly do: 'reconnect'; readonly receiveMaximum: number; readonly maximumPacketBytes: number }
  /** Answers its oldest packet that has no answer yet, with this reason code. */
  | { readonly do: 'answer'; readonly reasonCode: number }

const ROOMY = 1000
const SMALL_BYTES = 60

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      qos: fc.constantFrom(1 as const, 2 as const),
      bytes: fc.constantFrom(1, 10, 100),
      expirySeconds: fc.constantFrom(undefined, undefined, 1000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reconnect' as const),
      receiveMaximum: fc.constantFrom(1, 2, ROOMY),
      maximumPacketBytes: fc.constantFrom(SMALL_BYTES, ROOMY),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('answer' as const), reasonCode: fc.constantFrom(0, 0, 0, 0x80) }),
  },
)

/** A client whose session is kept, with what it owes to the hub on this connection. */
class Receiver {
  readonly #testHub: TestHub
  readonly #name: string
  #client: RawClient | undefined = undefined
  #receiveMaximum = ROOMY
  #unanswered: ReceivedPacket[] = []
  /** Packet identifiers of messages that came on this connection and are not finished. */
  readonly #open = new Set<number>()
  readonly got: string[] = []

  constructor(testHub: TestHub, name: string) {
    this.#testHub = testHub
    this.#name = name
  }

  async connect(receiveMaximum: number, maximumPacketBytes: number): Promise<void> {
    if (this.#client !== undefined) await lose(this.#testHub.log, this.#client)
    this.#unanswered = []
    this.#open.clear()
    this.#receiveMaximum = receiveMaximum
    this.#client = await join5(this.#testHub.port, this.#name, {
      isClean: false,
      properties: [
        [Id.SESSION_EXPIRY, 1000],
        [Id.RECEIVE_MAXIMUM, receiveMaximum],
        [Id.MAXIMUM_PACKET_SIZE, maximumPacketBytes],
      ],
    })
    await this.look()
  }

  async subscribe(filter: string): Promise<void> {
    await this.#client?.subscribe([filter, 2])
  }

  /** Takes what has come by now. */
  async look(): Promise<void> {
    for (const packet of (await this.#client?.restBeforePingresp()) ?? []) {
      this.#unanswered.push(packet)
      if (packet.type !== 'PUBLISH') continue
      this.got.push(packet.payload.toString())
      this.#open.add(packet.packetId)
      expect(this.#open.size).toBeLessThanOrEqual(this.#receiveMaximum)
    }
  }

  /** Answers the oldest packet as the standard says. False: there is none. */
  async answer(reasonCode: number): Promise<boolean> {
    const packet = this.#unanswered.shift()
    if (packet === undefined) return false
    if (packet.type === 'PUBLISH') {
      this.#client?.send(acknowledgePacket(packet.qos === 1 ? 'PUBACK' : 'PUBREC', packet.packetId, reasonCode))
      if (packet.qos === 1 || reasonCode >= 0x80) this.#open.delete(packet.packetId)
    } else if (packet.type === 'PUBREL') {
      this.#client?.send(acknowledgePacket('PUBCOMP', packet.packetId))
      this.#open.delete(packet.packetId)
    }
    await this.look()
    return true
  }

  /** What is held for the store may come a little later than the answer to a PINGREQ. */
  async answerAll(): Promise<void> {
    await expect
      .poll(async () => {
        await this.look()
        while (await this.answer(0));
        return this.#testHub.hub.pendingMessages
      })
      .toBe(0)
  }
}

let names = 0

describe('The window of messages in flight', () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-window-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each([
    ['in memory', 'memory', 60],
    ['on disk', folder, 15],
  ])(
    'has its whole room again when all is answered, whatever was dropped, refused or cut off on the way, %s',
    async (_where, data, numRuns) => {
      const testHub = await startHub({ config: { data } })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          const topic = `t${++names}`
          const receiver = new Receiver(testHub, topic)
          await receiver.connect(ROOMY, ROOMY)
          await receiver.subscribe(topic)
          for (const one of steps) {
            if (one.do === 'publish') {
              const properties = one.expirySeconds === undefined ? {} : { messageExpirySeconds: one.expirySeconds }
              await testHub.hub.publish(topic, 'x'.repeat(one.bytes), { qos: one.qos, properties })
              await receiver.look()
            } else if (one.do === 'reconnect') await receiver.connect(one.receiveMaximum, one.maximumPacketBytes)
            else await receiver.answer(one.reasonCode)
          }
          await receiver.connect(1, SMALL_BYTES)
          await receiver.answerAll()
          expectLedgerBalanced(testHub)
          receiver.got.length = 0
          await testHub.hub.publish(topic, 'probe', { qos: 2 })
          await receiver.answerAll()
          expect(receiver.got).toEqual(['probe'])
        }),
        { numRuns: runs(numRuns) },
      )
    },
  )
})

describe('An answer that is none to the message in flight', () => {
  test.each([
    ['PUBREC', 1],
    ['PUBACK', 2],
    ['PUBCOMP', 2],
  ] as const)('%s, to a message of QoS %i, ends the connection, and the message comes again', async (type, qos) => {
    const { hub, log, port } = await startHub()
    const fields = { isClean: false }
    const client = await join(port, 'kept', fields)
    await client.subscribe(['t', 2])
    await hub.publish('t', 'x', { qos })
    const { packetId } = await client.next('PUBLISH')
    client.send(acknowledgePacket(type, packetId))
    await client.untilClosed()
    await untilReason(log, new RegExp(`${type}.* QoS ${qos}`))
    const back = await join(port, 'kept', fields)
    expect(await back.next('PUBLISH')).toMatchObject({ packetId, dup: true, qos })
  })

  test('is told to a client of MQTT 5 as a protocol error', async () => {
    const { hub, port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 1])
    await hub.publish('t', 'x', { qos: 1 })
    const { packetId } = await client.next('PUBLISH')
    client.send(acknowledgePacket('PUBREC', packetId))
    expect(await client.untilDisconnected()).toBe(0x82)
  })

  test('is ignored where nothing is in flight', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    expect(await publish(client, acknowledgePacket('PUBACK', 7), acknowledgePacket('PUBCOMP', 7))).toEqual([])
  })
})
