import { expect, test } from 'vitest'
import { mosquittoPub, mosquittoSub, runMosquittoSub } from './mosquitto.ts'
import { startHub } from './start-hub.ts'

test('mosquittoSub collects byte for byte what mosquittoPub sends', async () => {
  const { port } = await startHub()
  const subscriber = await mosquittoSub(port, { topics: ['a b/#', 'z'], qos: 2 })
  const binary = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256))
  await mosquittoPub(port, { topic: 'a b/ж😀', payload: binary, qos: 2 })
  await mosquittoPub(port, { topic: 'a b/empty', payload: '', qos: 1 })
  await mosquittoPub(port, { topic: 'z', payload: 'kept', retain: true })
  expect(await subscriber.messages.atLeast(3)).toEqual([
    { topic: 'a b/ж😀', payload: binary, qos: 2, retain: false },
    { topic: 'a b/empty', payload: Buffer.alloc(0), qos: 1, retain: false },
    { topic: 'z', payload: Buffer.from('kept'), qos: 0, retain: false },
  ])
  await subscriber.stop()
  expect(await runMosquittoSub(port, { topics: ['z'], args: ['-C', '1'] })).toEqual([
    { topic: 'z', payload: Buffer.from('kept'), qos: 0, retain: true },
  ])
})

test('mosquittoPub rejects with the output of a client that failed', async () => {
  await expect(mosquittoPub(1, { topic: 'a', payload: 'b' })).rejects.toThrow(
    /^mosquitto_pub ended with exit code 1:\n.*refused/,
  )
})
