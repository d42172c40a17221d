import { startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { startWebSocketGateway } from '../support/websocket-gateway.ts'
import { describeRuns } from './runs.ts'

/**
 * With the 20 in flight of its default Mosquitto 2.0.11 queues what an audit is slow to acknowledge on a busy machine, and then sends
 * messages of one client out of order, now and then.
 */
const NO_QUEUE = ['max_inflight_messages 0', 'max_queued_messages 0']

describeRuns('Mosquitto', async () => {
  const port = await startMosquittoBroker(NO_QUEUE)
  const webSocketPort = await startWebSocketGateway(port)
  return { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${webSocketPort}`) }
})
