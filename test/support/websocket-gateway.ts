import { once } from 'node:events'
import { connect } from 'node:net'
import { pipeline } from 'node:stream'
import { onTestFinished } from 'vitest'
import { createWebSocketStream, WebSocketServer } from 'ws'

/**
 * MQTT over WebSocket in front of a broker that has only TCP, as Debian's Mosquitto, which is built without. The bytes are the same
 * in both [MQTT-6.0.0-1]. Gives the port on 127.0.0.1; it ends with the test.
 */
export async function startWebSocketGateway(mqttPort: number): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'mqtt' })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  server.on('connection', (webSocket) => {
    const client = createWebSocketStream(webSocket)
    const broker = connect({ host: '127.0.0.1', port: mqttPort })
    // Either side may be cut off at any time, which is what some of its users are for.
    pipeline(client, broker, () => undefined)
    pipeline(broker, client, () => undefined)
  })
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
