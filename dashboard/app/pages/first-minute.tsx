import { useSignal } from '@preact/signals'
import { copyText } from '../copy.ts'
import { topicCount } from '../state/conversations.ts'
import { lostAtMs } from '../state/outage.ts'
import { isPage } from '../state/identity.ts'
import { isOperator } from '../state/session.ts'
import { presence } from '../state/presence.ts'
import { Time } from '../time.tsx'
import { moment } from '../words/format.ts'
import { words } from '../words/words.ts'
import { usePolled } from './use-polled.ts'

const LOOK_EVERY_MS = 1000
const ADDRESSES_EVERY_MS = 60_000
const MQTT_PORT = 1883
const SHOWN_MISHAPS = 3

/** What to type so that the first message comes, with the addresses of this hub, and what the hub sees meanwhile. */
export function FirstMinute() {
  const text = words.value
  const addresses = usePolled(ADDRESSES_EVERY_MS, 'GET /addresses')
  const port = addresses?.mqtt.port ?? MQTT_PORT
  const isReceived = topicCount.value > 0
  return (
    <main class="page" tabIndex={-1}>
      <h1>{text.firstMinute}</h1>
      <p class="quiet">{text.firstMinuteHelp}</p>
      <p class="first-state" role="status" data-received={isReceived}>
        {isReceived ? text.firstReceived : lostAtMs.value === undefined ? text.waitingForFirst : text.notKnown}
      </p>
      {!isReceived && lostAtMs.value === undefined && isOperator.value && <Seen />}
      <div class="ways">
        {waysOf(location.hostname, port).map(([name, code]) => (
          <Way key={name} name={name} code={code} />
        ))}
      </div>
    </main>
  )
}

/** What came instead of a message. */
function Seen() {
  const text = words.value
  const answer = usePolled(LOOK_EVERY_MS, 'GET /mishaps')
  const silent = [...presence.value].filter(([clientId, state]) => state === 'here' && !isPage(clientId))
  const meanings: Readonly<Record<string, string>> = text.mishaps
  const mishaps = answer?.mishaps.slice(0, SHOWN_MISHAPS) ?? []
  if (mishaps.length === 0 && silent.length === 0) return null
  return (
    <ul class="seen" role="status">
      {silent.slice(0, SHOWN_MISHAPS).map(([clientId]) => (
        <li key={clientId}>{text.connectedButSilent(clientId)}</li>
      ))}
      {mishaps.map(({ atMs, kind, address, clientId, reason }) => (
        <li key={`${atMs} ${address}`} data-mishap={kind}>
          <Time atMs={atMs}>{moment(atMs)}</Time> <b>{meanings[kind] ?? kind}</b>{' '}
          <span class="quiet">
            {clientId ?? address}: {reason}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Way({ name, code }: { readonly name: string; readonly code: string }) {
  const text = words.value
  const outcome = useSignal<'copy' | 'copied' | 'notCopied'>('copy')
  return (
    <section class="card">
      <h2>{name}</h2>
      <pre tabIndex={0} role="region" aria-label={name}>
        {code}
      </pre>
      <button
        type="button"
        onClick={() => {
          void copyText(code).then((isDone) => (outcome.value = isDone ? 'copied' : 'notCopied'))
        }}
      >
        {text[outcome.value]}
      </button>
    </section>
  )
}

function waysOf(host: string, port: number): readonly (readonly [name: string, code: string])[] {
  return [
    ['mosquitto_pub', `mosquitto_pub -h ${host} -p ${port} -t chat/lobby -m "Hello"`],
    [
      'Node (mqtt.js)',
      [
        `import mqtt from 'mqtt'`,
        `const client = await mqtt.connectAsync('mqtt://${host}:${port}')`,
        `await client.publishAsync('chat/lobby', 'Hello', { qos: 1 })`,
        `await client.endAsync()`,
      ].join('\n'),
    ],
    [
      'Python (paho)',
      [
        `import paho.mqtt.publish as publish`,
        `publish.single('chat/lobby', 'Hello', qos=1, hostname='${host}', port=${port})`,
      ].join('\n'),
    ],
    [
      'Arduino (PubSubClient)',
      [
        `client.setServer("${host}", ${port});`,
        `client.connect("lamp-1", "devices/lamp-1/status", 1, true, "offline");`,
        `client.publish("devices/lamp-1/status", "online", true);`,
      ].join('\n'),
    ],
  ]
}
