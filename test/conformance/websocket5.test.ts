import { expect, onTestFinished, test } from 'vitest'
import { type RawData, WebSocket } from 'ws'
import { Collected, guarded } from '../support/guard.ts'
import { connectPacket, PINGREQ, publishPacket } from '../support/packets.ts'
import { PacketCutter, type ReceivedPacket } from '../support/received-packet.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

interface Opened {
  readonly webSocket: WebSocket
  readonly packets: Collected<ReceivedPacket>
  readonly closed: Promise<number>
}

async function open(port: number): Promise<Opened> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, ['mqtt'])
  onTestFinished(() => webSocket.terminate())
  const packets = new Collected<ReceivedPacket>('packets')
  const cutter = new PacketCutter(5)
  webSocket.on('message', (data: RawData, isBinary: boolean) => {
    if (!isBinary || !Buffer.isBuffer(data)) throw new Error('the hub sent a text frame')
    for (const packet of cutter.push(data)) packets.push(packet)
  })
  const closed = new Promise<number>((resolve) => {
    webSocket.on('close', resolve)
  })
  const opened = new Promise<void>((resolve, reject) => {
    webSocket.on('open', resolve)
    webSocket.on('error', reject)
  })
  await guarded(opened, () => 'a WebSocket to open')
  return { webSocket, packets, closed }
}

test('The WebSocket subprotocol of MQTT 5 is "mqtt" [MQTT-6.0.0-4]', async () => {
  const { httpPort } = await startHubWithHttp()
  expect((await open(httpPort)).webSocket.protocol).toBe('mqtt')
})

test('MQTT 5 packets may lie in WebSocket frames as they like, in parts or many in one [MQTT-6.0.0-2]', async () => {
  const { httpPort } = await startHubWithHttp()
  const { webSocket, packets } = await open(httpPort)
  const publish = publishPacket({ topic: 't', qos: 1, packetId: 5, properties: [] })
  const bytes = Buffer.concat([connectPacket({ clientId: 'c', properties: [] }), publish])
  for (const byte of bytes) webSocket.send(Buffer.from([byte]))
  webSocket.send(Buffer.concat([publish, PINGREQ, publish.subarray(0, 3)]))
  webSocket.send(publish.subarray(3))
  const types = (await packets.atLeast(5)).map(({ type }) => type)
  expect(types.toSorted()).toEqual(['CONNACK', 'PINGRESP', 'PUBACK', 'PUBACK', 'PUBACK'])
})

test('A text frame ends an MQTT 5 connection over WebSocket; the hub sends binary frames only [MQTT-6.0.0-1]', async () => {
  const { httpPort } = await startHubWithHttp()
  const { webSocket, packets, closed } = await open(httpPort)
  webSocket.send(connectPacket({ clientId: 'c', properties: [] }))
  await packets.atLeast(1)
  webSocket.send('text')
  expect(await guarded(closed, () => 'the WebSocket to close')).toBe(1003)
})
