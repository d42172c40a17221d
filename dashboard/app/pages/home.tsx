import { useSignal } from '@preact/signals'
import { Icon } from '../icons.tsx'
import { topicCount } from '../state/conversations.ts'
import { isFeedReady } from '../state/feed.ts'
import { words } from '../words/words.ts'

/** Until anybody has published, how to; then a choice of conversations. */
export function Home() {
  const text = words.value
  const isFresh = useSignal<boolean | undefined>(undefined)
  if (isFeedReady.value && isFresh.value === undefined) isFresh.value = topicCount.value === 0
  if (isFresh.value === true) return <FirstMinute />
  return (
    <main class="page page-empty">
      <div class="empty">
        <Icon name="chat" />
        <h1>{text.chooseConversation}</h1>
        <p>{text.chooseConversationHelp}</p>
      </div>
    </main>
  )
}

function FirstMinute() {
  const text = words.value
  const host = location.hostname
  const isReceived = topicCount.value > 0
  const ways: readonly (readonly [string, string])[] = [
    ['mosquitto_pub', `mosquitto_pub -h ${host} -t chat/lobby -m "Hello"`],
    [
      'Node (mqtt.js)',
      `import mqtt from 'mqtt'\nconst client = mqtt.connect('mqtt://${host}')\nclient.publish('chat/lobby', 'Hello')`,
    ],
    ['Python (paho)', `import paho.mqtt.publish as publish\npublish.single('chat/lobby', 'Hello', hostname='${host}')`],
    [
      'Arduino (PubSubClient)',
      `client.setServer("${host}", 1883);\nclient.connect("lamp-1");\nclient.publish("devices/lamp-1/state", "on");`,
    ],
  ]
  return (
    <main class="page">
      <h1>{text.firstMinute}</h1>
      <p class="quiet">{text.firstMinuteHelp}</p>
      <p class="first-state" role="status" data-received={isReceived}>
        {isReceived ? text.firstReceived : text.waitingForFirst}
      </p>
      <div class="ways">
        {ways.map(([name, code]) => (
          <section key={name} class="card">
            <h2>{name}</h2>
            <pre tabIndex={0}>{code}</pre>
            <button type="button" onClick={() => void navigator.clipboard.writeText(code)}>
              {text.copy}
            </button>
          </section>
        ))}
      </div>
    </main>
  )
}
