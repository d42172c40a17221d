import { startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { startWebSocketGateway } from '../support/websocket-gateway.ts'
import { describeRuns } from './runs.ts'

describeRuns('Mosquitto', async () => {
  const port = await startMosquittoBroker()
  const webSocketPort = await startWebSocketGateway(port)
  return { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${webSocketPort}`) }
})
