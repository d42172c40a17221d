/** Where a new device connects to, and as whom. */
export interface NewDevice {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  readonly name: string
  readonly secret: string
}

/** What to paste, by what runs it: each publishes one message, of which the hub can tell. */
export function readyCode({ host, port, isTls, name, secret }: NewDevice): readonly (readonly [string, string])[] {
  const topic = `devices/${name}/hello`
  // JSON's way of writing a text is that of C, Python and JavaScript too.
  const [h, n, s, t] = [host, name, secret, topic].map((text) => JSON.stringify(text))
  const tls = (line: string): string[] => (isTls ? [line] : [])
  return [
    [
      'mosquitto_pub',
      [
        `mosquitto_pub -h ${shell(host)} -p ${port}${isTls ? ' --cafile ca.pem' : ''} -i ${shell(name)}`,
        `-u ${shell(name)} -P ${shell(secret)} -q 1 -t ${shell(topic)} -m on`,
      ].join(' \\\n  '),
    ],
    [
      'Arduino (PubSubClient)',
      [
        `${isTls ? 'WiFiClientSecure' : 'WiFiClient'} net;`,
        'PubSubClient mqtt(net);',
        ...tls('net.setCACert(CA_PEM);'),
        `mqtt.setServer(${h}, ${port});`,
        `mqtt.connect(${n}, ${n}, ${s});`,
        `mqtt.publish(${t}, "on");`,
      ].join('\n'),
    ],
    [
      'ESP-IDF',
      [
        'esp_mqtt_client_config_t config = {',
        `  .broker.address.uri = "${isTls ? 'mqtts' : 'mqtt'}://${host}:${port}",`,
        ...tls('  .broker.verification.certificate = CA_PEM,'),
        `  .credentials.client_id = ${n},`,
        `  .credentials.username = ${n},`,
        `  .credentials.authentication.password = ${s},`,
        '};',
        'esp_mqtt_client_handle_t client = esp_mqtt_client_init(&config);',
        'esp_mqtt_client_start(client);',
        `esp_mqtt_client_enqueue(client, ${t}, "on", 0, 1, 0, true);`,
      ].join('\n'),
    ],
    [
      'MicroPython',
      [
        ...tls('import ssl'),
        'from umqtt.simple import MQTTClient',
        ...tls('context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)'),
        ...tls('context.load_verify_locations(cafile="ca.pem")'),
        `client = MQTTClient(${n}, ${h}, ${port}, user=${n}, password=${s}${isTls ? ', ssl=context' : ''})`,
        'client.connect()',
        `client.publish(${t}, "on", qos=1)`,
      ].join('\n'),
    ],
    [
      'Node (mqtt.js)',
      [
        "import mqtt from 'mqtt'",
        ...tls("import { readFileSync } from 'node:fs'"),
        `const client = await mqtt.connectAsync('${isTls ? 'mqtts' : 'mqtt'}://${host}:${port}', {`,
        `  clientId: ${n}, username: ${n}, password: ${s},`,
        ...tls("  ca: readFileSync('ca.pem'),"),
        '})',
        `await client.publishAsync(${t}, 'on', { qos: 1 })`,
        'await client.endAsync()',
      ].join('\n'),
    ],
    [
      'Python (paho)',
      [
        'import paho.mqtt.publish as publish',
        `publish.single(${t}, "on", qos=1, hostname=${h}, port=${port}, client_id=${n},`,
        `  auth={"username": ${n}, "password": ${s}}${isTls ? ', tls={"ca_certs": "ca.pem"}' : ''})`,
      ].join('\n'),
    ],
  ]
}

/** A word that a shell takes as it stands. */
function shell(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
