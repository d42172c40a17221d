import { startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { describeKinds } from './kinds.ts'

describeKinds('Mosquitto', async () => {
  const { port, webSocketPort } = await startMosquittoBroker()
  return { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${webSocketPort}`) }
})
