import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { OrderedArrivals } from './arrivals.ts'
import { Client } from './client.ts'
import { patternPayload } from './message-ring.ts'
import { publishPacket, publishProperties, type QoS, type Version } from './packets.ts'
import { Receiver } from './receiver.ts'

const payloadBytes = 16
const subscriptionIdentifier = Buffer.from([0x0b, 7])
const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

describe('Receiver of MQTT 5', () => {
  test('takes messages without properties', async () => {
    const { broker, receiver, gets } = await subscribe(5, 0)
    broker.write(Buffer.concat([message(0, publishProperties(5, 0)), message(1, publishProperties(5, 0))]))
    await gets(2)
    expect([receiver.deliveredMessages, receiver.lateMessages, receiver.damaged]).toEqual([2, 0, 0])
  })

  test('takes messages with more properties than were sent, of some messages only, and acknowledges them', async () => {
    const { broker, receiver, gets } = await subscribe(5, 2)
    const sent = publishProperties(5, 2)
    const before = longer(subscriptionIdentifier, sent.subarray(1))
    const behind = longer(sent.subarray(1), subscriptionIdentifier)
    const frames = [sent, before, sent, behind].map((properties, sequence) => message(sequence, properties, 1))
    const answers = firstBytes(broker, 4 * frames.length)
    broker.write(Buffer.concat(frames))
    await gets(4)
    expect([receiver.deliveredMessages, receiver.lateMessages, receiver.damaged]).toEqual([4, 0, 0])
    expect((await answers).toString('hex')).toBe('40020001400200024002000340020004')
  })

  test('reports a user property that is missing or another one', async () => {
    const { broker, receiver, gets } = await subscribe(5, 2)
    const other = Buffer.from(publishProperties(5, 2))
    other[other.length - 1] = 0x39
    broker.write(message(0, publishProperties(5, 1)))
    broker.write(message(1024, other))
    await gets(2)
    expect(receiver.damaged).toBe(2)
  })

  test('reports properties that do not end where the payload begins', async () => {
    const { broker, receiver, gets } = await subscribe(5, 0)
    broker.write(message(0, Buffer.from([1])))
    broker.write(message(1, publishProperties(5, 0)))
    await gets(1)
    expect([receiver.deliveredMessages, receiver.damaged]).toEqual([1, 1])
  })

  test('tells apart layouts of the same length by the first byte', async () => {
    const { broker, receiver, gets } = await subscribe(5, 0)
    const answers = firstBytes(broker, 4)
    // Two bytes more of properties, or the two bytes of a packet identifier: frames of the same length.
    const none = publishProperties(5, 0)
    broker.write(Buffer.concat([message(0, longer(Buffer.from([1, 0]))), message(1, none, 1)]))
    await gets(2)
    expect(receiver.damaged).toBe(0)
    expect((await answers).toString('hex')).toBe('40020002')
  })
})

test('Receiver of MQTT 3.1.1 takes and acknowledges messages, and reports a damaged payload', async () => {
  const { broker, receiver, gets } = await subscribe(4, 0)
  const answers = firstBytes(broker, 8)
  const damaged = message(1024, publishProperties(4, 0), 2)
  damaged[damaged.length - 1] = 0
  broker.write(Buffer.concat([message(0, publishProperties(4, 0), 2), damaged]))
  await gets(2)
  expect([receiver.deliveredMessages, receiver.lateMessages, receiver.damaged]).toEqual([2, 0, 1])
  expect((await answers).toString('hex')).toBe('5002000150020001')
})

/** A subscriber and the broker's end of its connection; `gets` resolves when so many messages are there. */
async function subscribe(version: Version, userProperties: number) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = new Promise<Socket>((resolve) => {
    server.once('connection', (socket) => {
      // CONNACK of MQTT 5 has a Receive Maximum of its own here.
      const answer = version === 5 ? [0x20, 6, 0, 0, 3, 0x21, 0, 20] : [0x20, 2, 0, 0]
      socket.once('data', () => {
        socket.write(Buffer.from(answer))
        resolve(socket)
      })
    })
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const greeting = version === 5 ? { version, receiveMaximum: 10 } : { version, isKept: false }
  const client = await Client.open(port, 'c', greeting)
  const broker = await accepted
  let counted: (() => void) | undefined
  const properties = publishProperties(version, userProperties)
  const receiver = new Receiver(client, { payloadBytes, properties }, new OrderedArrivals(1), () => counted?.())
  closers.push(async () => {
    await client.close()
    broker.destroy()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
  const gets = async (messages: number): Promise<void> =>
    new Promise((resolve) => {
      counted = () => {
        if (receiver.deliveredMessages >= messages) resolve()
      }
      counted()
    })
  return { broker, receiver, gets }
}

/** With the packet identifier that a ring of 1,024 slots gives. */
function message(sequence: number, properties: Buffer, qos: QoS = 0): Buffer {
  const payload = patternPayload(0, payloadBytes)
  payload.writeUInt32BE(sequence, 2)
  return publishPacket({ topic: 'bench/0000', qos, packetId: (sequence % 1024) + 1, properties }, payload)
}

/** Properties behind their length. */
function longer(...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([body.length]), body])
}

async function firstBytes(socket: Socket, bytes: number): Promise<Buffer> {
  let all = Buffer.alloc(0)
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      all = Buffer.concat([all, chunk])
      if (all.length >= bytes) resolve(all)
    })
  })
}
