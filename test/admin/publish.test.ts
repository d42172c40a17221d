import type { ReceivedMessage } from '../../src/admin/messages.ts'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Hub } from '../../src/hub.ts'
import { join5 } from '../conformance/steps5.ts'
import { Id } from '../support/properties.ts'
import { join, leave, takePayloads } from '../support/steps.ts'
import { errorOf, rejectionOf } from '../support/errors.ts'
import { GatedStore } from '../support/gated-store.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

/** Calls it as a program without types can. */
function publish(hub: Hub, ...args: readonly unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(hub, 'publish')
  if (typeof method !== 'function') throw new Error('there is no publish')
  return Promise.resolve(Reflect.apply(method, hub, args))
}

/** Whether the promise has settled after some turns of the event loop. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  )
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  return isSettled
}

/** A hub with one kept session that is away, on a disk that reports nothing as stored. */
async function startWithClosedGate(): Promise<TestHub & { readonly store: GatedStore }> {
  const store = new GatedStore()
  const started = await startHub({ store })
  const away = await join(started.port, 'away', { isClean: false })
  await away.subscribe(['t', 2])
  await leave(away)
  store.closeGate()
  return { ...started, store }
}

describe('Hub.publish refuses', () => {
  const long = 'x'.repeat(65_536)
  const cases: readonly (readonly [what: string, ...args: readonly unknown[]])[] = [
    ['the topic must be a string, it is 7', 7, 'x'],
    ['the payload must be a string or a Uint8Array, it is 7', 't', 7],
    ['the payload must be a string or a Uint8Array, it is of type undefined', 't'],
    ['the payload must be a string or a Uint8Array, it is null', 't', null],
    ['the payload must be a string or a Uint8Array, it is {}', 't', new Uint16Array(0)],
    ['the options must be an object, they are null', 't', 'x', null],
    ['the options must be an object, they are 1', 't', 'x', 1],
    ['there is no option "QoS"; there are qos, retain, properties', 't', 'x', { QoS: 1 }],
    ['qos must be 0, 1 or 2, it is 7', 't', 'x', { qos: 7 }],
    ['qos must be 0, 1 or 2, it is "1"', 't', 'x', { qos: '1' }],
    ['qos must be 0, 1 or 2, it is null', 't', 'x', { qos: null }],
    ['retain must be true or false, it is "yes"', 't', 'x', { retain: 'yes' }],
    ['properties must be an object, they are null', 't', 'x', { properties: null }],
    ['there is no property "topicAlias"', 't', 'x', { properties: { topicAlias: 1 } }],
    ['the property isText must be true or false, it is 1', 't', 'x', { properties: { isText: 1 } }],
    [
      'the property messageExpirySeconds must be a whole number',
      't',
      'x',
      { properties: { messageExpirySeconds: -1 } },
    ],
    [
      'the property messageExpirySeconds must be a whole number',
      't',
      'x',
      { properties: { messageExpirySeconds: 0.5 } },
    ],
    ['the property contentType must be text', 't', 'x', { properties: { contentType: 'nul\0' } }],
    ['the property contentType must be text', 't', 'x', { properties: { contentType: '\ud800' } }],
    ['the property contentType must be text', 't', 'x', { properties: { contentType: long } }],
    ["it must not contain '+' or '#'", 't', 'x', { properties: { responseTopic: 'a/#' } }],
    ['the property correlationData must be at most', 't', 'x', { properties: { correlationData: 'text' } }],
    ['the property correlationData must be at most', 't', 'x', { properties: { correlationData: Buffer.from(long) } }],
    ['the property userProperties must be a list of pairs', 't', 'x', { properties: { userProperties: { a: 'b' } } }],
    ['the property userProperties must be a list of pairs', 't', 'x', { properties: { userProperties: [['a']] } }],
    ['it must fit into a packet of 268435455 bytes, its payload has 268435455', 't', Buffer.alloc(268_435_455)],
  ]

  test('what no type allows and no packet can hold, and says what it is', async () => {
    const { hub } = await startHub()
    for (const [what, ...args] of cases) {
      const error = await rejectionOf(publish(hub, ...args))
      expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', exitCode: 2, message: expect.stringContaining(what) })
      expect(error.message).toMatch(/^Cannot publish(?: to "t")?: /)
    }
    expect(hub.ledger.matched).toBe(0)
  })

  test.each(['$SYS/broker/uptime', '$SYS', '$hub/receipts/a', '$history/5/a'])(
    "the hub's own topic %s",
    async (topic) => {
      const { hub } = await startHub()
      const got: ReceivedMessage[] = []
      hub.subscribe(topic, (message) => void got.push(message), { isRetainedWanted: false })
      expect((await rejectionOf(hub.publish(topic, 'x', { retain: true }))).code).toBe('TOPIC_RESERVED')
      expect(got).toEqual([])
    },
  )

  test('what there is no room to retain: nobody gets it', async () => {
    const { hub } = await startHub({ config: { limits: { maxRetainedMessages: 1 } } })
    await hub.publish('a', 'x', { retain: true })
    const got: ReceivedMessage[] = []
    hub.subscribe('b', (message) => void got.push(message))
    expect(await rejectionOf(hub.publish('b', 'x', { retain: true }))).toMatchObject({
      code: 'PUBLISH_REFUSED',
      message: 'Cannot publish to "b": there is no room for one more retained message (limits.maxRetainedMessages)',
    })
    expect(got).toEqual([])
    // What replaces another needs no more room.
    expect(await hub.publish('a', 'y', { retain: true })).toEqual({ matched: 0 })
  })
})

describe('Hub.publish takes', () => {
  test('a topic that begins with "$" and is not the hub\'s own', async () => {
    const { hub } = await startHub()
    const got: string[] = []
    hub.subscribe('$SYSTEM/a', ({ payload }) => void got.push(payload.toString()))
    expect(await hub.publish('$SYSTEM/a', 'x')).toEqual({ matched: 1 })
    expect(got).toEqual(['x'])
  })

  test('the bytes of any Uint8Array, also a part of a larger one and one of another realm', async () => {
    const { port, hub } = await startHub()
    const client = await join(port, 'c')
    await client.subscribe(['t', 0])
    const large = new TextEncoder().encode('more than that')
    await hub.publish('t', large.subarray(5, 9))
    await publish(hub, 't', runInNewContext('new Uint8Array([104, 105])'))
    await hub.publish('t', Buffer.from('жизнь'))
    await hub.publish('t', 'жизнь')
    expect(await takePayloads(client)).toEqual(['than', 'hi', 'жизнь', 'жизнь'])
  })

  test('what MQTT 5 lets a publisher say of a message', async () => {
    const { hub, port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 1])
    const properties = {
      isText: true,
      messageExpirySeconds: 60,
      contentType: 'text/plain',
      responseTopic: 're/ply',
      correlationData: new Uint8Array([255]),
      userProperties: [['a', '1']],
    } as const
    await hub.publish('t', 'x', { qos: 1, properties })
    const packet = await client.next('PUBLISH')
    expect(packet.properties).toEqual(
      expect.arrayContaining([
        [Id.PAYLOAD_FORMAT, 1],
        [Id.MESSAGE_EXPIRY, 60],
        [Id.CONTENT_TYPE, 'text/plain'],
        [Id.RESPONSE_TOPIC, 're/ply'],
        [Id.CORRELATION_DATA, Buffer.from([255])],
        [Id.USER_PROPERTY, ['a', '1']],
      ]),
    )
  })
})

describe('Hub.publish resolves', () => {
  test.each([
    ['QoS 1 for a session whose client is away', 't', { qos: 1 }],
    ['QoS 2 for a session whose client is away', 't', { qos: 2 }],
    ['QoS 1 that is retained', 'other', { qos: 1, retain: true }],
    ['QoS 0 that is retained', 'other', { qos: 0, retain: true }],
  ] as const)('%s when it is stored', async (_what, topic, options) => {
    const { hub, store } = await startWithClosedGate()
    const publishing = hub.publish(topic, 'x', options)
    expect(await hasSettled(publishing)).toBe(false)
    store.openGate()
    expect(await publishing).toEqual({ matched: topic === 't' ? 1 : 0 })
  })

  test('at once when nothing of the message has to be stored', async () => {
    const { hub } = await startWithClosedGate()
    expect(await hub.publish('t', 'x')).toEqual({ matched: 1 })
    expect(await hub.publish('other', 'x', { qos: 2 })).toEqual({ matched: 0 })
  })

  test('after the message was handed to those who are here', async () => {
    const { hub, store } = await startWithClosedGate()
    const got: string[] = []
    hub.subscribe('t', ({ payload }) => void got.push(payload.toString()))
    const publishing = hub.publish('t', 'x', { qos: 1 })
    expect(got).toEqual(['x'])
    store.openGate()
    await publishing
  })

  test('or rejects with PUBLISH_NOT_STORED when it cannot be stored, and what follows with PUBLISH_REFUSED', async () => {
    const { hub, store } = await startWithClosedGate()
    const got: string[] = []
    hub.subscribe('t', ({ payload }) => void got.push(payload.toString()))
    const publishing = rejectionOf(hub.publish('t', 'first', { qos: 1 }))
    await hasSettled(publishing)
    store.breakGate()
    const error = await publishing
    expect(error.code).toBe('PUBLISH_NOT_STORED')
    expect(error.cause).toMatchObject({ message: 'the disk is full' })
    for (const options of [{ qos: 1 }, { retain: true }] as const) {
      expect((await rejectionOf(hub.publish('t', 'second', options))).code).toBe('PUBLISH_REFUSED')
    }
    expect(await hub.publish('t', 'third')).toEqual({ matched: 2 })
    expect(got).toEqual(['first', 'third'])
    store.openGate()
  })

  test('or rejects with PUBLISH_NOT_STORED when the hub has stopped and the store never said that it is stored', async () => {
    const { hub } = await startWithClosedGate()
    const publishing = rejectionOf(hub.publish('t', 'x', { qos: 1 }))
    await hub.stop()
    expect((await publishing).code).toBe('PUBLISH_NOT_STORED')
  })
})

function handler(): void {
  // What comes does not matter here.
}

describe('Hub.subscribe refuses', () => {
  const cases: readonly (readonly [what: string, args: readonly unknown[]])[] = [
    ['the filter must be a string, it is 7', [7, handler]],
    ['the handler must be a function, it is of type undefined', ['t']],
    ['qos must be 0, 1 or 2, it is 7', ['t', handler, { qos: 7 }]],
    ['the options must be an object, they are null', ['t', () => undefined, null]],
    ['there is no option "retain"', ['t', handler, { retain: true }]],
    ['isRetainedWanted must be true or false, it is 1', ['t', handler, { isRetainedWanted: 1 }]],
  ]

  test.each(cases)('what no type allows: %s', async (what, args) => {
    const { hub } = await startHub()
    const method: unknown = Reflect.get(hub, 'subscribe')
    if (typeof method !== 'function') throw new Error('there is no subscribe')
    const error = errorOf((): unknown => Reflect.apply(method, hub, args))
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', message: expect.stringContaining(what) })
    expect(await hub.publish('t', 'x')).toEqual({ matched: 0 })
  })
})
