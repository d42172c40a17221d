/** mqtt.js 4.3, which many Node-RED installations have: given `properties.topicAliasMaximum`, it ends its program at the first alias. */
import { once } from 'node:events'
import { connect } from 'mqtt-4'
import { expect, onTestFinished, test } from 'vitest'
import { Collected } from '../support/guard.ts'
import { startHub } from '../support/start-hub.ts'

test('mqtt.js 4.3 with MQTT 5 gets what it is subscribed to, though it asks for topic aliases', async () => {
  const { port } = await startHub()
  const client = connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, properties: { topicAliasMaximum: 10 } })
  onTestFinished(() => {
    client.end(true)
  })
  const topics = new Collected<string>('topics of messages')
  client.on('message', (topic) => topics.push(topic))
  await once(client, 'connect')
  await new Promise<void>((resolve) => {
    client.subscribe('#', { qos: 1 }, () => resolve())
  })
  const published = ['a', 'b', 'a', 'b', 'a']
  for (const topic of published) client.publish(topic, 'x', { qos: 1 })
  expect(await topics.atLeast(5)).toEqual(published)
})
