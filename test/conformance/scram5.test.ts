import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gate } from '../../src/auth/gate.ts'
import { PasswordHasher } from '../../src/auth/passwords/password-hasher.ts'
import { UserChanges } from '../../src/auth/users/user-changes.ts'
import { UsersFile } from '../../src/auth/users/users-file.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { ScramClient } from '../auth/passwords/scram-client.ts'
import { accessOf, rule } from '../support/gate.ts'
import {
  authPacket,
  connectPacket,
  disconnectPacket,
  PINGREQ,
  publishPacket,
  subscribePacket,
} from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { valuesOf } from '../support/received-packet.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import { message5 } from './steps5.ts'
import { takePayloads } from '../support/steps.ts'
import { testUsers } from '../support/users.ts'

const METHOD: Property = [Id.AUTHENTICATION_METHOD, 'SCRAM-SHA-256']

const folder = mkdtempSync(join(tmpdir(), 'hubbub-scram-'))
const file = join(folder, 'users.ndjson')
afterAll(() => rmSync(folder, { recursive: true }))

// Once: to hash a password is slow, as it should be.
beforeAll(async () => {
  const hasher = new PasswordHasher()
  const usersFile = new UsersFile({ path: file, name: file, readRules: () => [] })
  const changes = new UserChanges({ file: usersFile, hasher, nowMs: Date.now, changed: () => undefined })
  for (const name of ['anna', 'otto']) await changes.add(name, { password: Buffer.from(`pw of ${name}`) })
  await hasher.close()
})

function data(bytes: Uint8Array): Property {
  return [Id.AUTHENTICATION_DATA, Buffer.from(bytes)]
}

function dataOf(packet: Parameters<typeof valuesOf>[0]): Buffer {
  const [value] = valuesOf(packet, Id.AUTHENTICATION_DATA)
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

async function start(config: PartialConfig = {}): Promise<TestHub> {
  const { users } = await testUsers(file)
  return startHub({ gate: new Gate(users, accessOf([rule('allow both', '#')])), config })
}

/** Connects by SCRAM up to the AUTH that asks for the proof, and gives the proof. */
async function challenge(client: RawClient, scram: ScramClient): Promise<Buffer> {
  client.send(connectPacket({ clientId: 'c', properties: [METHOD, data(scram.first)] }))
  const auth = await client.next('AUTH')
  expect(auth.reasonCode).toBe(0x18)
  expect(valuesOf(auth, Id.AUTHENTICATION_METHOD)).toEqual(['SCRAM-SHA-256'])
  return scram.final(dataOf(auth))
}

async function enter({ port }: TestHub, user = 'anna'): Promise<RawClient> {
  const client = await openRawClient(port, 5)
  const scram = new ScramClient(user, `pw of ${user}`)
  client.send(authPacket(0x18, [METHOD, data(await challenge(client, scram))]))
  const connack = await client.next('CONNACK')
  expect(connack.reasonCode).toBe(0)
  expect(valuesOf(connack, Id.AUTHENTICATION_METHOD)).toEqual(['SCRAM-SHA-256'])
  expect(scram.isServer(dataOf(connack))).toBe(true)
  return client
}

describe('SCRAM-SHA-256', () => {
  test('lets a client in with AUTH, and the CONNACK proves the hub to it [MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1]', async () => {
    const client = await enter(await start())
    expect(await client.subscribe(['a', 0])).toMatchObject({ codes: [0] })
    client.send(message5('a', 'x'))
    expect(await takePayloads(client)).toEqual(['x'])
  })

  test('refuses a wrong password and an unknown user alike, with 0x86 after the proof, then closes [MQTT-4.12.0-4]', async () => {
    const { port } = await start()
    for (const user of ['anna', 'nobody']) {
      const client = await openRawClient(port, 5)
      client.send(authPacket(0x18, [METHOD, data(await challenge(client, new ScramClient(user, 'wrong')))]))
      expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x86 })
      await client.untilClosed()
    }
  })

  test('refuses what is no SCRAM message, at either step', async () => {
    const { port } = await start()
    for (const junk of ['', 'p=tls-unique,,n=anna,r=0123456789', 'n,,m=x,n=anna,r=0123456789', 'n,,n=anna,r=1']) {
      const client = await openRawClient(port, 5)
      client.send(connectPacket({ clientId: 'c', properties: [METHOD, data(Buffer.from(junk))] }))
      expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x86 })
      await client.untilClosed()
    }
    const client = await openRawClient(port, 5)
    await challenge(client, new ScramClient('anna', 'pw of anna'))
    client.send(authPacket(0x18, [METHOD, data(Buffer.from('c=biws,r=x,p='))]))
    expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x86 })
    await client.untilClosed()
  })

  const INSTEAD: readonly (readonly [what: string, packet: Buffer])[] = [
    ['PUBLISH', message5('a', 'x')],
    ['SUBSCRIBE', subscribePacket(1, [['a', 0]], [])],
    ['PINGREQ', PINGREQ],
    ['a second CONNECT', connectPacket({ clientId: 'c', properties: [] })],
    ['AUTH that begins anew', authPacket(0x19, [METHOD, data(Buffer.from('x'))])],
    ['AUTH with Success', authPacket(0, [METHOD])],
    ['AUTH without a method', authPacket(0x18, [])],
    ['AUTH of another method', authPacket(0x18, [[Id.AUTHENTICATION_METHOD, 'SCRAM-SHA-1']])],
  ]

  test.each(INSTEAD)('takes %s in place of the proof for a protocol error', async (_what, packet) => {
    const { port } = await start()
    const client = await openRawClient(port, 5)
    await challenge(client, new ScramClient('anna', 'pw of anna'))
    client.send(packet)
    expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x82 })
    await client.untilClosed()
  })

  test('takes AUTH with reserved flags for malformed, also before the client is let in [MQTT-3.15.1-1]', async () => {
    const { port } = await start()
    const client = await openRawClient(port, 5)
    const proof = await challenge(client, new ScramClient('anna', 'pw of anna'))
    client.send(authPacket(0x18, [METHOD, data(proof)], 1))
    expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x81 })
    await client.untilClosed()
  })

  test('lets a client leave with DISCONNECT in place of the proof', async () => {
    const { port } = await start()
    const client = await openRawClient(port, 5)
    await challenge(client, new ScramClient('anna', 'pw of anna'))
    client.send(disconnectPacket(0, []))
    await client.untilClosed()
    client.expectNothingLeft()
  })

  test('ends who does not send the proof in time', async () => {
    const { port } = await start({ limits: { connectTimeoutSeconds: 1 } })
    const client = await openRawClient(port, 5)
    await challenge(client, new ScramClient('anna', 'pw of anna'))
    await client.untilClosed()
  })

  test('can be done again by a client that is connected, while it goes on [MQTT-4.12.1-1]', async () => {
    const hub = await start()
    const client = await enter(hub)
    for (let round = 0; round < 3; round++) {
      const scram = new ScramClient('anna', 'pw of anna', `nonce number ${round}`.replaceAll(' ', ''))
      client.send(authPacket(0x19, [METHOD, data(scram.first)]))
      client.send(publishPacket({ topic: 'a', qos: 1, packetId: 9, properties: [] }))
      const packets = [await client.next(), await client.next()]
      expect(packets.map(({ type }) => type).toSorted()).toEqual(['AUTH', 'PUBACK'])
      const auth = packets.find(({ type }) => type === 'AUTH')
      if (auth?.type !== 'AUTH') throw new Error('no AUTH came')
      client.send(authPacket(0x18, [METHOD, data(scram.final(dataOf(auth)))]))
      const success = await client.next('AUTH')
      expect(success.reasonCode).toBe(0)
      expect(scram.isServer(dataOf(success))).toBe(true)
    }
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('that fails when it is done again ends the connection: a wrong password and another user with 0x87 [MQTT-4.12.1-2]', async () => {
    const hub = await start()
    for (const [user, password] of [
      ['anna', 'wrong'],
      ['otto', 'pw of otto'],
    ] as const) {
      const client = await enter(hub)
      const scram = new ScramClient(user, password)
      client.send(authPacket(0x19, [METHOD, data(scram.first)]))
      client.send(authPacket(0x18, [METHOD, data(scram.final(dataOf(await client.next('AUTH'))))]))
      expect(await client.untilDisconnected()).toBe(0x87)
    }
  })

  test('takes an AUTH that comes before the last one is answered, or that continues nothing, for a protocol error', async () => {
    const hub = await start()
    const first = await enter(hub)
    const begin = authPacket(0x19, [METHOD, data(new ScramClient('anna', 'x').first)])
    first.send(begin, begin)
    expect(await first.untilDisconnected()).toBe(0x82)
    const second = await enter(hub)
    second.send(authPacket(0x18, [METHOD, data(Buffer.from('x'))]))
    expect(await second.untilDisconnected()).toBe(0x82)
  })
})
