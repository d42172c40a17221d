/** Bridges of Mosquitto, as their bytes say them; `test/interop/mosquitto-bridge.test.ts` has the program itself. */
import { describe, expect, test } from 'vitest'
import type { ConnectFields } from '../support/packets.ts'
import { publishPacket } from '../support/packets.ts'
import { connectRawClient, type RawClient } from '../support/raw-client.ts'
import { isPublish, join, leave, lose, message, publish, takeMessages } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const BRIDGES: readonly (readonly [string, ConnectFields])[] = [
  ['MQTT 3.1', { protocolLevel: 0x83, protocolName: 'MQIsdp' }],
  ['MQTT 3.1.1', { protocolLevel: 0x84 }],
]
const STATE = '$SYS/broker/connection/house.hub/state'

function stateWill(topic = STATE): ConnectFields {
  return { will: { topic, payload: '0', qos: 1, retain: true } }
}

/** What a client that comes now finds retained there. */
async function stateFor(port: number, topic = STATE): Promise<string | undefined> {
  const reader = await join(port, 'reader')
  await reader.subscribe([topic, 0])
  const [found] = await takeMessages(reader)
  await leave(reader)
  if (found !== undefined) expect(found.retain).toBe(true)
  return found?.payload.toString()
}

async function say(client: RawClient, topic: string, payload: string, retain = true): Promise<string[]> {
  const answers = await publish(client, publishPacket({ topic, payload, qos: 1, retain }))
  return answers.map(({ type }) => type)
}

describe.each(BRIDGES)('A bridge of %s', (_version, fields) => {
  test('gets nothing back that it has published, and of others what is live with the RETAIN that it had', async () => {
    const { port } = await startHub()
    const bridge = await join(port, 'bridge', fields)
    const other = await join(port, 'other')
    await bridge.subscribe(['t/#', 1])
    await other.subscribe(['t/#', 1])
    expect((await publish(bridge, message('t/own', 'x', true))).filter(isPublish)).toEqual([])
    expect(await takeMessages(other)).toMatchObject([{ topic: 't/own', retain: false }])
    await publish(other, message('t/a', 'on', true), message('t/a', 'off'), message('t/a', '', true))
    expect((await takeMessages(bridge)).map(({ payload, retain }) => [payload.toString(), retain])).toEqual([
      ['on', true],
      ['off', false],
      ['', true],
    ])
  })

  test('is a member of a shared subscription like any other, and gets what it published itself', async () => {
    const { port } = await startHub()
    const bridge = await join(port, 'bridge', fields)
    await bridge.subscribe(['$share/g/t', 0])
    expect((await publish(bridge, message('t', 'own'))).filter(isPublish)).toMatchObject([{ topic: 't' }])
  })

  test('has its state kept: 1 while it is there, and 0 when it has gone without a word', async () => {
    const { log, port } = await startHub()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe([STATE, 1])
    const bridge = await connectRawClient(port, { ...fields, ...stateWill(), clientId: 'house.hub' })
    expect(await say(bridge, STATE, '1')).toEqual(['PUBACK'])
    expect(await watcher.next('PUBLISH')).toMatchObject({ topic: STATE, retain: false, qos: 1 })
    expect(await stateFor(port)).toBe('1')
    await lose(log, bridge)
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('0')
    expect(await stateFor(port)).toBe('0')
  })
})

describe('A client', () => {
  test('of MQTT 5 says that it is a bridge by its will, and has its state kept', async () => {
    const { port } = await startHub()
    const bridge = await connectRawClient(port, { ...stateWill(), clientId: 'house.hub', properties: [] })
    bridge.send(publishPacket({ topic: STATE, payload: '1', qos: 1, retain: true, properties: [] }))
    expect((await bridge.next('PUBACK')).reasonCode ?? 0).toBeLessThan(0x80)
    expect(await stateFor(port)).toBe('1')
  })

  test.each([
    ['without a will', {}, STATE, true],
    ['with a will to another topic', stateWill('t'), STATE, true],
    ['that is a bridge says it unretained', stateWill(), STATE, false],
    ['that is a bridge speaks for another', stateWill(), '$SYS/broker/connection/other/state', true],
    ['that is a bridge speaks for the hub', stateWill(), '$SYS/broker/uptime', true],
  ] as const)('%s is not heard under $SYS', async (_what, fields, topic, retain) => {
    const { hub, port } = await startHub({ config: { sysIntervalSeconds: 0 } })
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['$SYS/#', 1])
    const client = await join(port, 'house.hub', { ...fields, protocolLevel: 0x84 })
    expect(await say(client, topic, '1', retain)).toEqual(['PUBACK'])
    expect(await takeMessages(watcher)).toEqual([])
    expect(await stateFor(port, topic)).toBe(undefined)
    expect(hub.ledger.refused).toBe(1)
  })

  test('has no will published for another bridge', async () => {
    const { hub, log, port } = await startHub()
    await lose(log, await join(port, 'other', { ...stateWill(), protocolLevel: 0x84 }))
    expect(await stateFor(port)).toBe(undefined)
    expect(hub.ledger.refused).toBe(1)
  })
})
