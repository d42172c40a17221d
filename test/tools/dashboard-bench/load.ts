import { connectAsync, type MqttClient } from 'mqtt'

const TICK_MS = 10

/** Publishes so many messages a second at QoS 0, evenly, until it is stopped. */
export class Load {
  readonly #client: MqttClient
  readonly #timer: NodeJS.Timeout
  readonly #startedMs = performance.now()
  published = 0

  private constructor(client: MqttClient, perSecond: number, message: (index: number) => Message) {
    this.#client = client
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#startedMs) * perSecond) / 1000
      for (; this.published < due; this.published++) {
        const { topic, payload } = message(this.published)
        client.publish(topic, payload, { qos: 0 })
      }
    }, TICK_MS)
  }

  static async start(port: number, perSecond: number, message: (index: number) => Message): Promise<Load> {
    return new Load(await connectAsync(`mqtt://127.0.0.1:${port}`), perSecond, message)
  }

  /** How many a second there really were. */
  get perSecond(): number {
    return (this.published * 1000) / (performance.now() - this.#startedMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#client.endAsync(true)
  }
}

export interface Message {
  readonly topic: string
  readonly payload: string
}
