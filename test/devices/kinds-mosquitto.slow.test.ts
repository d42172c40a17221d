import { describe } from 'vitest'
import { MOSQUITTO_PATH, startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { describeKinds } from './kinds.ts'

// Debian starts a Mosquitto that is installed on port 1883, which is not for tests to do.
describe.skipIf(MOSQUITTO_PATH === undefined)('Devices work unchanged (needs Debian\'s "mosquitto")', () => {
  describeKinds('Mosquitto', async () => {
    const { port, webSocketPort } = await startMosquittoBroker()
    return { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${webSocketPort}`) }
  })
})
