import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Output } from '../../src/connection/output.ts'
import { OutputTurn } from '../../src/connection/output-turn.ts'
import { strangersDoor, type Transport } from '../../src/connection/transport.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Message } from '../../src/protocol/message.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { encodePublish, PublishPacket } from '../../src/protocol/publish-packet.ts'
import { runs } from '../support/runs.ts'

/** Keeps what is written to it. */
class WrittenTransport implements Transport {
  readonly kind = 'tcp'
  readonly remoteAddress = '192.0.2.1:50000'
  readonly remoteHost = '192.0.2.1'
  readonly door = strangersDoor('mqtt')
  written = Buffer.alloc(0)
  readonly chunks: Buffer[] = []

  write(chunks: readonly Buffer[]): void {
    this.chunks.push(...chunks)
    this.written = Buffer.concat([this.written, ...chunks])
  }

  attach(): void {}
  end(): void {}
  leave(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}
  awaitTurn(): void {}
}

/** Takes long for each write. */
class SlowTransport extends WrittenTransport {
  readonly #name: string
  readonly #log: string[]

  constructor(name: string, log: string[]) {
    super()
    this.#name = name
    this.#log = log
  }

  override write(chunks: readonly Buffer[]): void {
    super.write(chunks)
    this.#log.push(this.#name)
    const endMs = performance.now() + 1
    while (performance.now() < endMs);
  }
}

const terms = fc.record({
  qos: fc.constantFrom<QoS>(0, 1, 2),
  isRetained: fc.boolean(),
  isDuplicate: fc.boolean(),
  packetId: fc.integer({ min: 1, max: 65_535 }),
})

const messages = fc
  .record({
    topic: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }),
    // Short ones are copied, from 8 KiB on they are sent from where they lie.
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 8000, max: 17_000 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
    ),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    contentType: fc.option(fc.string({ maxLength: 200 }), { nil: undefined }),
  })
  .map(({ topic, payload, qos, retain, contentType }) => {
    const value = Buffer.from(contentType ?? '')
    const property = Buffer.concat([Buffer.from([3, value.length >>> 8, value.length & 0xff]), value])
    const properties = contentType === undefined ? Buffer.alloc(0) : property
    return { message: Message.create(topic, Buffer.from(payload), qos, retain, 'me', properties), properties }
  })

/** What `write` has the output of one client send, read as that client reads it. */
function sent(isVersion5: boolean, write: (output: Output) => void) {
  const [transport, turn] = [new WrittenTransport(), new OutputTurn(new Ledger())]
  const output = new Output(transport, turn)
  output.isVersion5 = isVersion5
  write(output)
  turn.flush()
  const { written } = transport
  const packet = new PublishPacket()
  packet.readKept(written, 0, written.length, isVersion5)
  const { qos, isRetained, isDuplicate, packetId, topicStart, topicEnd, propertiesStart, payloadStart } = packet
  return {
    terms: { qos, isRetained, isDuplicate, packetId },
    topic: written.toString('utf8', topicStart, topicEnd),
    properties: written.toString('hex', propertiesStart, payloadStart),
    payload: written.toString('hex', payloadStart),
  }
}

/** A message that lies in memory which the next one is read into, as from a socket. */
function passing(payloadBytes: number): Message {
  const packet = encodePublish(Buffer.from('t'), undefined, Buffer.alloc(payloadBytes, 'x'), false)
  const message = new Message()
  message.set('t', 0, false, packet, 0, packet.length - payloadBytes, packet.length)
  return message
}

function outputs(turn: OutputTurn) {
  return [0, 1].map(() => {
    const transport = new WrittenTransport()
    return { transport, output: new Output(transport, turn) }
  })
}

describe('Output sends packets that are no PUBLISH', () => {
  test('and nothing between them, wherever its memory ends', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40, size: 'max' })
    const message = Message.create('t', Buffer.alloc(1000, 'm'), 0, false, 'me')
    fc.assert(
      fc.property(sizes, fc.boolean(), (all, hasMessages) => {
        const [transport, turn] = [new WrittenTransport(), new OutputTurn(new Ledger())]
        const output = new Output(transport, turn)
        const expected: Buffer[] = []
        for (const [i, size] of all.entries()) {
          const bytes = Buffer.alloc(size, i + 1)
          output.packet(bytes)
          expected.push(bytes)
          if (!hasMessages) continue
          output.publish(message, 0, 0, false, false)
          expected.push(message.bytes.subarray(message.start, message.end))
        }
        turn.flush()
        while (output.pendingBytes > 0) {
          output.taken()
          turn.flush()
        }
        expect(transport.written.equals(Buffer.concat(expected))).toBe(true)
      }),
      { numRuns: runs(100) },
    )
  })
})

describe('Output lends the memory of a large payload', () => {
  const BYTES = 20_000

  test('once for all its receivers, until the system has taken it from the last', () => {
    const turn = new OutputTurn(new Ledger())
    const message = passing(BYTES)
    const all = outputs(turn)
    for (const { output } of all) output.publish(message, 0, 0, false, false)
    const packet = Buffer.from(message.bytes)
    message.bytes.fill(0)
    turn.flush()
    for (const { transport } of all) expect(transport.written.equals(packet)).toBe(true)
    expect(turn.blocks.takeFree(BYTES)).toBe(undefined)
    all[0]?.output.taken()
    expect(turn.blocks.takeFree(BYTES)).toBe(undefined)
    all[1]?.output.taken()
    expect(turn.blocks.takeFree(BYTES)).not.toBe(undefined)
    expect(turn.blocks.takeFree(BYTES)).toBe(undefined)
  })

  test('and never again when it closes before that: the system may still read it', () => {
    for (const end of [(output: Output) => output.close(), (output: Output) => output.finish()]) {
      const turn = new OutputTurn(new Ledger())
      const [one] = outputs(turn)
      one?.output.publish(passing(BYTES), 0, 0, false, false)
      one?.output.flush()
      if (one !== undefined) end(one.output)
      one?.output.taken()
      expect(turn.blocks.takeFree(BYTES)).toBe(undefined)
    }
  })

  test('without a copy when it lies in a block, or in bytes that do not change', () => {
    const turn = new OutputTurn(new Ledger())
    const framed = turn.blocks.take(BYTES + 100)
    const source = passing(BYTES)
    source.bytes.copy(framed.bytes)
    turn.blocks.framed = framed
    const message = new Message()
    message.set('t', 0, false, framed.bytes, 0, source.payloadStart, source.end)
    const own = Message.create('t', Buffer.alloc(BYTES), 0, false, undefined)
    const kept = passing(BYTES)
    const copy = kept.keep()
    for (const [given, { buffer }] of [
      [message, framed.bytes],
      [own, own.bytes],
      [kept, copy.bytes],
    ] as const) {
      const [one] = outputs(turn)
      one?.output.publish(given, 0, 0, false, false)
      one?.output.flush()
      expect(one?.transport.chunks.at(-1)?.buffer).toBe(buffer)
      one?.output.taken()
    }
    expect(framed.uses).toBe(1)
  })
})

describe('Output writes a PUBLISH', () => {
  test('with the flags and the packet identifier of its client, whatever those of the message are, in either version', () => {
    fc.assert(
      fc.property(messages, terms, fc.boolean(), ({ message, properties }, given, isVersion5) => {
        // [MQTT-3.3.1-2]
        const wanted = given.qos === 0 ? { ...given, isDuplicate: false, packetId: 0 } : given
        const { qos, packetId, isDuplicate, isRetained } = wanted
        const read = sent(isVersion5, (output) => output.publish(message, qos, packetId, isDuplicate, isRetained))
        expect(read).toEqual({
          terms: wanted,
          topic: message.topic,
          properties: isVersion5 ? properties.toString('hex') : '',
          payload: message.payload.toString('hex'),
        })
      }),
      { numRuns: runs(300) },
    )
  })

  test('with properties of its own before those of the message, and without a topic where an alias stands for it', () => {
    const leads = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(messages, terms, leads, fc.boolean(), ({ message, properties }, given, lead, isAliased) => {
        const wanted = given.qos === 0 ? { ...given, isDuplicate: false, packetId: 0 } : given
        const { qos, packetId, isDuplicate, isRetained } = wanted
        const topic = isAliased ? Buffer.alloc(0) : message.topicBytes
        const read = sent(true, (output) =>
          output.publishWith(lead, topic, message, qos, packetId, isDuplicate, isRetained),
        )
        expect(read).toEqual({
          terms: wanted,
          topic: isAliased ? '' : message.topic,
          properties: Buffer.concat([lead, properties]).toString('hex'),
          payload: message.payload.toString('hex'),
        })
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('OutputTurn', () => {
  test('has the outputs that it has no time for write in later turns, each once and behind those of these turns', async () => {
    const log: string[] = []
    const turn = new OutputTurn(new Ledger())
    const slow = Array.from({ length: 200 }, (_, i) => new Output(new SlowTransport(`${i}`, log), turn))
    const quick = new Output(new SlowTransport('quick', log), turn)
    for (const output of slow) output.acknowledge(0x40, 1)
    await nextTurn()
    const first = log.length
    expect(first).toBeLessThan(100)
    quick.acknowledge(0x40, 1)
    let turns = 0
    for (; log.length < 201; turns++) await nextTurn()
    expect(turns).toBeGreaterThan(2)
    expect(log.filter((name) => name !== 'quick')).toEqual(slow.map((_, i) => `${i}`))
    expect(log.indexOf('quick')).toBeLessThan(100)
  })
})
