import { describe, expect, test } from 'vitest'
import { join5, KEPT } from './steps5.ts'
import { type PublishFields, publishPacket } from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import type { RawClient } from '../support/raw-client.ts'
import { type ReceivedPublish, valuesOf } from '../support/received-packet.ts'
import { leave, lose, publish } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const FORMAT: Property = [Id.PAYLOAD_FORMAT, 1]
const REST: readonly Property[] = [
  [Id.CONTENT_TYPE, 'text/plain; é'],
  [Id.RESPONSE_TOPIC, 'answers/here'],
  [Id.CORRELATION_DATA, Buffer.from([0, 255, 10])],
  [Id.USER_PROPERTY, ['b', '2']],
  [Id.USER_PROPERTY, ['a', '1']],
  [Id.USER_PROPERTY, ['b', '2']],
  [Id.USER_PROPERTY, ['', '']],
]
/** What every receiver gets as it is. */
const UNALTERED: readonly Property[] = [FORMAT, ...REST]
/** The same among what the hub has to take out or to change. */
const MIXED: readonly Property[] = [
  FORMAT,
  [Id.TOPIC_ALIAS, 1],
  ...REST.slice(0, 4),
  [Id.MESSAGE_EXPIRY, 1000],
  ...REST.slice(4),
]

type Publishing = PublishFields & { readonly topic: string }

/** A client with a session that is kept, named as the topic, which it has subscribed to. */
async function subscribed({ port }: TestHub, topic: string, filter = topic): Promise<RawClient> {
  const client = await join5(port, topic, KEPT)
  await client.subscribe([filter, 2])
  return client
}

async function publishOne({ port }: TestHub, message: Publishing): Promise<void> {
  await publish(await join5(port, 'publisher'), publishPacket(message))
}

/** How a message comes to a subscriber of its topic. */
const WAYS: readonly (readonly [who: string, take: (hub: TestHub, message: Publishing) => Promise<ReceivedPublish>])[] =
  [
    [
      'is there',
      async (hub, message) => {
        const client = await subscribed(hub, message.topic)
        await publishOne(hub, message)
        return client.next('PUBLISH')
      },
    ],
    [
      'was away',
      async (hub, message) => {
        await leave(await subscribed(hub, message.topic))
        await publishOne(hub, message)
        return (await join5(hub.port, message.topic, KEPT)).next('PUBLISH')
      },
    ],
    [
      'was lost before it acknowledged the message',
      async (hub, message) => {
        const client = await subscribed(hub, message.topic)
        await publishOne(hub, message)
        await client.next('PUBLISH')
        await lose(hub.log, client)
        const again = await (await join5(hub.port, message.topic, KEPT)).next('PUBLISH')
        expect(again.dup).toBe(true)
        return again
      },
    ],
    [
      'subscribed later',
      async (hub, message) => {
        await publishOne(hub, { ...message, retain: true })
        return (await subscribed(hub, message.topic)).next('PUBLISH')
      },
    ],
    [
      'shares its subscription',
      async (hub, message) => {
        const client = await subscribed(hub, message.topic, `$share/group/${message.topic}`)
        await publishOne(hub, message)
        return client.next('PUBLISH')
      },
    ],
    [
      'shares its subscription and was away',
      async (hub, message) => {
        await leave(await subscribed(hub, message.topic, `$share/group/${message.topic}`))
        await publishOne(hub, message)
        return (await join5(hub.port, message.topic, KEPT)).next('PUBLISH')
      },
    ],
  ]

describe('A message to a subscriber who', () => {
  test.each(WAYS)(
    '%s has its properties as they came, also where the hub takes out an alias and changes the expiry [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]',
    async (_who, take) => {
      const testHub = await startHub()
      for (const qos of [1, 2]) {
        for (const [kind, properties] of Object.entries({ plain: UNALTERED, mixed: MIXED })) {
          const topic = `${kind}/${qos}`
          const got = await take(testHub, { topic, payload: 'é', qos, properties })
          expect(got).toMatchObject({ topic, qos, payload: Buffer.from('é') })
          // Those of one kind keep their order; of others, the standard asks for none.
          for (const [id] of UNALTERED) expect(valuesOf(got, id)).toEqual(valuesOf({ properties: UNALTERED }, id))
          const expiries = properties === MIXED ? 1 : 0
          expect(valuesOf(got, Id.MESSAGE_EXPIRY)).toHaveLength(expiries)
          expect(got.properties).toHaveLength(UNALTERED.length + expiries)
        }
      }
    },
  )
})
