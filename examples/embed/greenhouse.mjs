// A program with a hub inside: it opens the window of a bed in a greenhouse that is too warm, and closes it again.
//
//   node greenhouse.mjs [MQTT port] [HTTP port]
import { createHub, HubbubError } from 'hubbub'

const OPEN_ABOVE_CELSIUS = 28
const CLOSE_BELOW_CELSIUS = 25

const [port = '1883', httpPort = '8080'] = process.argv.slice(2)

/** What the window of each bed is set to. @type {Map<string, 'open' | 'closed'>} */
const windows = new Map()

const hub = await start()
const { mqtt, http } = hub.addresses
console.log(`MQTT at port ${mqtt.port}`)
if (http !== undefined) console.log(`Dashboard at http://127.0.0.1:${http.port}`)

// Sensors publish to greenhouse/<bed>/temperature, over MQTT or from this program.
hub.subscribe('greenhouse/+/temperature', ({ topic, payload }) => {
  const [, bed = ''] = topic.split('/')
  const celsius = Number(payload.toString())
  if (!Number.isFinite(celsius)) return
  if (celsius > OPEN_ABOVE_CELSIUS) void setWindow(bed, 'open')
  if (celsius < CLOSE_BELOW_CELSIUS) void setWindow(bed, 'closed')
})

process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())

async function start() {
  try {
    return await createHub({
      config: { port: Number(port), httpPort: Number(httpPort), data: 'memory', logLevel: 'warn' },
    })
  } catch (error) {
    // The code is for programs, the message for people: it says what to change.
    if (!(error instanceof HubbubError)) throw error
    console.error(`${error.code}: ${error.message}`)
    return process.exit(1)
  }
}

/**
 * Retained, so that a window that connects later hears it as well.
 *
 * @param {string} bed
 * @param {'open' | 'closed'} state
 */
async function setWindow(bed, state) {
  if (windows.get(bed) === state) return
  windows.set(bed, state)
  try {
    // Resolves when the message is kept for everybody who gets it later.
    await hub.publish(`greenhouse/${bed}/window`, state, { qos: 1, retain: true })
    console.log(`Window of ${bed}: ${state}`)
  } catch (error) {
    windows.delete(bed)
    console.error(`The window of ${bed} was not told: ${String(error)}`)
  }
}

/** Lets clients go with a word and closes the store. */
async function stop() {
  await hub.stop()
  console.log('Stopped')
}
