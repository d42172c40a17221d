import { connectAsync, type MqttClient } from 'mqtt'
import { HubProcess } from '../dashboard-bench/hub-process.ts'

/** A hub and who uses it, as a picture shows them. */
export interface World {
  readonly hub: HubProcess
  readonly clients: MqttClient[]
}

/** `people` are in the lobby of a hub without devices. */
export type WorldName = 'house' | 'people' | 'empty' | 'many'

/** What people say in the lobby. */
const TALK: Readonly<Record<string, readonly (readonly [from: string, text: string])[]>> = {
  en: [
    ['Anna', 'Good morning! Who left the light on in the hall?'],
    ['Boris', 'Not me. It says “on” since 06:12, look at its state'],
    ['Anna', 'Right, the motion sensor. I set the thermostat to 21 °C 🌡️'],
    ['Clara', 'The washing machine is done 🎉'],
  ],
  ru: [
    ['Анна', 'Доброе утро! Кто оставил свет в прихожей?'],
    ['Борис', 'Не я. Там с 06:12 «включено», посмотри состояние'],
    ['Анна', 'Точно, датчик движения. Поставила термостат на 21 °C 🌡️'],
    ['Клара', 'Стиральная машина закончила 🎉'],
  ],
}

const MANY = 300

/** Starts a hub with somebody in it. `language` is what people speak. */
export async function createWorld(name: WorldName, language: 'en' | 'ru'): Promise<World> {
  const hub = new HubProcess(name === 'house' ? 'devices/start.js' : 'hub/main.js')
  await hub.start()
  const clients: MqttClient[] = []
  if (name === 'house' || name === 'people') clients.push(...(await talk(hub.port, language)))
  if (name === 'many') clients.push(...(await crowd(hub.port)))
  return { hub, clients }
}

export async function endWorld({ hub, clients }: World): Promise<void> {
  await Promise.all(clients.map((client) => client.endAsync(true)))
  await hub.remove()
}

export async function connect(port: number, clientId: string): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId })
}

async function talk(port: number, language: 'en' | 'ru'): Promise<MqttClient[]> {
  const talkers = new Map<string, MqttClient>()
  for (const [from] of TALK[language] ?? []) {
    if (talkers.has(from)) continue
    const client = await connect(port, `phone-of-${from.toLowerCase()}`)
    await client.subscribeAsync('chat/#', { qos: 1 })
    talkers.set(from, client)
  }
  const pinned = language === 'en' ? 'Wi-Fi for guests: hubbub-guest 📶' : 'Wi-Fi для гостей: hubbub-guest 📶'
  const [host] = talkers.values()
  await host?.publishAsync('chat/lobby', pinned, { qos: 1, retain: true })
  for (const [from, text] of TALK[language] ?? []) {
    await talkers.get(from)?.publishAsync('chat/lobby', JSON.stringify({ from, text }), { qos: 1 })
  }
  await host?.publishAsync('chat/garden', language === 'en' ? 'Rain at five' : 'В пять дождь', { qos: 0 })
  return [...talkers.values()]
}

/** Names of all lengths, in several alphabets. */
async function crowd(port: number): Promise<MqttClient[]> {
  const client = await connect(port, 'crowd')
  const names = [
    (index: number) => `sensor-${index}`,
    (index: number) => `gebäude-b/stock-${index % 9}/flur-west/temperaturfühler-außenwand-${index}`,
    (index: number) => `насосная-станция-северная-очередь-${index}`,
    (index: number) => `配電盤-${index}`,
  ] as const
  for (let index = 0; index < MANY; index++) {
    const name = (names[index % names.length] ?? names[0])(index)
    const topic = index % 3 === 0 ? `chat/${name}` : `devices/${name.replaceAll('/', '-')}/event`
    const payload =
      index % 5 === 0 ? 'ok' : `{"at":${index},"note":"a value of some length that does not fit the line"}`
    await client.publishAsync(topic, payload, { qos: 1 })
  }
  return [client]
}
