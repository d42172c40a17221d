import { type IClientOptions, type MqttClient, connectAsync } from 'mqtt'
import { onTestFinished } from 'vitest'

/** Connects a client that is ended with the test. */
export async function connectClient(port: number, clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId, ...options })
  onTestFinished(() => client.endAsync(true))
  return client
}

/** Publishes at QoS 1 and retained, and waits until the hub has it. */
export async function retain(client: MqttClient, topic: string, payload: string | object): Promise<void> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  await client.publishAsync(topic, text, { qos: 1, retain: true })
}
