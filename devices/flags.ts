import { parseArgs } from 'node:util'
import { SCHEMES } from './network/link.ts'

/** The command line of the devices. */
export interface Flags {
  /** The name of a bundled scenario, or the path of a file. */
  readonly scenario: string
  readonly url: URL
  readonly webSocketUrl: URL | undefined
  readonly seed: number | undefined
  readonly speed: number | undefined
  /** Undefined: until it is stopped. */
  readonly seconds: number | undefined
  readonly isHomeAssistantTold: boolean
  readonly isAuditWanted: boolean
  readonly isListWanted: boolean
  readonly isJsonWanted: boolean
  readonly isHelpWanted: boolean
}

/** Something on the command line cannot be used; the message names it. */
export class FlagsInvalid extends Error {}

export const HELP = `Simulated devices, for Hubbub or any other MQTT broker.

Usage: npm run devices -- [flags]

  --scenario NAME     a scenario of --list, or the path of a YAML file (default: home)
  --url URL           the broker: mqtt://, mqtts://, ws:// or wss://, with user:password@ if required
                      (default: mqtt://127.0.0.1:1883)
  --ws-url URL        the broker for devices that use WebSocket (default: ws://127.0.0.1:8080/mqtt, or the value of
                      --url if that is given)
  --seconds NUMBER    stop after this many seconds (default: run until Ctrl-C)
  --speed NUMBER      simulated seconds for each real second (default: as in the scenario, else 1)
  --seed NUMBER       use other values and faults than those of the scenario
  --home-assistant    announce the devices to Home Assistant
  --audit             subscribe too, and check that every event, reading and will arrived
  --list              list all scenarios and kinds
  --json              print the summary at the end as JSON
  --help              print this text

Exit codes: 0 success, 1 something did not connect or arrive, 2 a mistake on the command line or in the scenario.
`

const DEFAULT_URL = 'mqtt://127.0.0.1:1883'
const DEFAULT_WEBSOCKET_URL = 'ws://127.0.0.1:8080/mqtt'

/** Reads the command line. Throws FlagsInvalid. */
export function readFlags(argv: readonly string[]): Flags {
  const values = parse(argv)
  const webSocketUrl = values['ws-url'] ?? (values.url === undefined ? DEFAULT_WEBSOCKET_URL : undefined)
  return {
    scenario: values.scenario,
    url: readUrl('url', values.url ?? DEFAULT_URL),
    webSocketUrl: webSocketUrl === undefined ? undefined : readUrl('ws-url', webSocketUrl),
    seed: readNumber('seed', values.seed, { low: 0, high: 4_294_967_295, isWhole: true }),
    speed: readNumber('speed', values.speed, { low: 0.01, high: 3600 }),
    seconds: readNumber('seconds', values.seconds, { low: 0.1, high: 86_400 * 20 }),
    isHomeAssistantTold: values['home-assistant'],
    isAuditWanted: values.audit,
    isListWanted: values.list,
    isJsonWanted: values.json,
    isHelpWanted: values.help,
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const yes = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args: [...argv],
      options: {
        scenario: { type: 'string', default: 'home' },
        url: text,
        'ws-url': text,
        seed: text,
        speed: text,
        seconds: text,
        'home-assistant': yes,
        audit: yes,
        list: yes,
        json: yes,
        help: { ...yes, short: 'h' },
      },
    }).values
  } catch (cause) {
    throw new FlagsInvalid(`Cannot read the command line: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

function readUrl(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && SCHEMES.has(url.protocol) && url.hostname !== '') return url
  const schemes = [...SCHEMES.keys()].map((scheme) => `${scheme}//host:port`).join(', ')
  throw new FlagsInvalid(`Cannot use --${flag}: it must be one of ${schemes}, it is ${JSON.stringify(text)}`)
}

function readNumber(
  flag: string,
  text: string | undefined,
  { low, high, isWhole = false }: { readonly low: number; readonly high: number; readonly isWhole?: boolean },
): number | undefined {
  if (text === undefined) return undefined
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (number >= low && number <= high && (!isWhole || Number.isInteger(number))) return number
  const wanted = `a ${isWhole ? 'whole ' : ''}number from ${low} to ${high}`
  throw new FlagsInvalid(`Cannot use --${flag}: it must be ${wanted}, it is ${JSON.stringify(text)}`)
}
