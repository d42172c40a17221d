import { expect, test } from 'vitest'
import { DEBIAN_PYTHON } from '../support/debian-tools.ts'
import { startProcess } from '../support/processes.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

/** Subscribes, publishes to itself, says what came, and ends. It sends `Origin: https://host:port` over a plain connection. */
const PROGRAM = `
import sys
import paho.mqtt.client as mqtt

def subscribe(client, userdata, flags, code):
    client.subscribe("paho/#", 1)

def publish(client, userdata, mid, granted):
    client.publish("paho/t", "hello", qos=2)

def tell(client, userdata, message):
    print(message.topic, message.payload.decode(), flush=True)
    client.disconnect()

client = mqtt.Client(transport="websockets")
client.ws_set_options(path=sys.argv[2])
client.on_connect, client.on_subscribe, client.on_message = subscribe, publish, tell
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_forever(retry_first_connection=False)
`

test.each(['/mqtt', '/mqtt/', '/ws'])('paho-mqtt of Debian speaks MQTT over WebSocket at %s', async (path) => {
  const { httpPort } = await startHubWithHttp()
  const paho = await startProcess(DEBIAN_PYTHON, ['-c', PROGRAM, String(httpPort), path])
  await paho.untilLine(/^paho\/t hello$/)
  expect(await paho.untilExit()).toEqual({ code: 0, signal: null })
})
