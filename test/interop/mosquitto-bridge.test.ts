/** Mosquitto bridges to a hub with the options that people copy: what each side publishes has to come to the other once. */
import { describe, expect, test } from 'vitest'
import { type Collected, until } from '../support/guard.ts'
import { type MosquittoBroker, runMosquittoBroker } from '../support/mosquitto-broker.ts'
import { type MosquittoMessage, mosquittoPub, mosquittoSub, runMosquittoSub } from '../support/mosquitto.ts'
import { startHub } from '../support/start-hub.ts'

/** Programs are started first. */
const PROCESS_GUARD_MS = 30_000
const STATE = '$SYS/broker/connection/house.hub/state'

interface Said {
  readonly topic: string
  readonly payload: string
  readonly retain: boolean
}

interface Bridged {
  readonly hubPort: number
  readonly mosquitto: MosquittoBroker
}

async function bridge(protocol: string): Promise<Bridged> {
  const { port: hubPort } = await startHub()
  const mosquitto = await runMosquittoBroker([
    'connection hub',
    `address 127.0.0.1:${hubPort}`,
    'remote_clientid house.hub',
    `bridge_protocol_version ${protocol}`,
    'topic in/# in 2',
    'topic out/# out 2',
    'topic both/# both 2',
  ])
  await untilState(hubPort, '1')
  return { hubPort, mosquitto }
}

/** Waits until a client that comes to the hub finds this as the state of the bridge, retained. */
async function untilState(hubPort: number, state: string): Promise<void> {
  const watcher = await mosquittoSub(hubPort, { topics: [STATE], qos: 1 })
  const isState = ({ payload }: MosquittoMessage): boolean => payload.toString() === state
  await until(
    () => watcher.messages.items.some(isState),
    () => `the state ${state} of the bridge`,
    PROCESS_GUARD_MS,
  )
  await watcher.stop()
  const [found] = await runMosquittoSub(hubPort, { topics: [STATE], qos: 1, args: ['-C', '1'] })
  expect(found).toEqual({ topic: STATE, payload: Buffer.from(state), qos: 1, retain: true })
}

/** Publishes in order, and at the end a message that closes. */
async function publishAll(port: number, said: readonly Said[]): Promise<void> {
  for (const each of said) await mosquittoPub(port, { ...each, qos: 1 })
}

async function listen(port: number): Promise<Collected<MosquittoMessage>> {
  // With MQTT 5, RETAIN is seen as it was published.
  const args = ['-V', 'mqttv5', '--retain-as-published']
  const { messages } = await mosquittoSub(port, { topics: ['in/#', 'out/#', 'both/#'], qos: 2, args })
  return messages
}

function textsOf(messages: Collected<MosquittoMessage>): string[] {
  return messages.items.map(({ topic, payload, retain }) => `${topic} ${payload.toString()}${retain ? ' RETAIN' : ''}`)
}

/** `name/`, retained and cleared again, and live. */
function saidUnder(name: string, by: string): Said[] {
  return [
    { topic: `${name}/${by}`, payload: 'live', retain: false },
    { topic: `${name}/${by}`, payload: 'kept', retain: true },
    { topic: `${name}/${by}`, payload: '', retain: true },
  ]
}

function textsUnder(name: string, by: string): string[] {
  return [`${name}/${by} live`, `${name}/${by} kept RETAIN`, `${name}/${by}  RETAIN`]
}

describe.each(['mqttv31', 'mqttv311', 'mqttv50'])(
  'Mosquitto as a bridge with bridge_protocol_version %s',
  (protocol) => {
    test('carries each message once, with its RETAIN, in the directions it is told, and clears what was retained', async () => {
      const { hubPort, mosquitto } = await bridge(protocol)
      const atHub = await listen(hubPort)
      const atMosquitto = await listen(mosquitto.port)
      const names = ['in', 'out', 'both']
      await publishAll(
        hubPort,
        names.flatMap((name) => saidUnder(name, 'hub')),
      )
      await publishAll(
        mosquitto.port,
        names.flatMap((name) => saidUnder(name, 'mosquitto')),
      )
      // What came back from the other side would be here before these.
      await publishAll(hubPort, [{ topic: 'both/end', payload: 'of the hub', retain: false }])
      await publishAll(mosquitto.port, [{ topic: 'both/end', payload: 'of Mosquitto', retain: false }])
      const ends = ['both/end of the hub', 'both/end of Mosquitto']
      for (const side of [atHub, atMosquitto]) {
        await until(
          () => ends.every((end) => textsOf(side).includes(end)),
          () => `the ends, got ${textsOf(side).join(', ')}`,
          PROCESS_GUARD_MS,
        )
      }
      const own = (by: string): string[] => names.flatMap((name) => textsUnder(name, by))
      const hubHas = [...own('hub'), ...textsUnder('out', 'mosquitto'), ...textsUnder('both', 'mosquitto'), ...ends]
      const mosquittoHas = [...own('mosquitto'), ...textsUnder('in', 'hub'), ...textsUnder('both', 'hub'), ...ends]
      expect(textsOf(atHub).toSorted()).toEqual(hubHas.toSorted())
      expect(textsOf(atMosquitto).toSorted()).toEqual(mosquittoHas.toSorted())
      expect(textsOf(atHub).filter((text) => text.startsWith('both/mosquitto'))).toEqual(
        textsUnder('both', 'mosquitto'),
      )
      expect(textsOf(atMosquitto).filter((text) => text.startsWith('both/hub'))).toEqual(textsUnder('both', 'hub'))
    })

    test('has its state retained at the hub: 1 while it is connected, 0 when it was killed', async () => {
      const { hubPort, mosquitto } = await bridge(protocol)
      await mosquitto.process.end('SIGKILL')
      await untilState(hubPort, '0')
    })
  },
)
