import { buildConfig, type Config, type PartialConfig } from './config.ts'
import { readTree, type Entry } from './entries.ts'
import { asksForCertificates, isPrivate, listenerFaults, listenersOf } from './listener-settings.ts'
import { OPTIONS } from './options.ts'
import { Problems } from './problems.ts'
import { ValueReader } from './read-value.ts'

export type { PartialConfig } from './config.ts'

/** The options with their values, and where each value came from. */
export interface Completed {
  readonly config: Config
  /** By dotted key: `default`, `hubbub.yaml:12`, `HUBBUB_PORT`, `--port`. */
  readonly origins: ReadonlyMap<string, string>
}

/** Looks at what this room cannot judge; what is wrong goes to `problems`, to be told with all the rest. */
export type ConfigCheck = (config: Config, problems: Problems) => void

/** What the parts of a hub know of a configuration before it is used. */
export interface ConfigJudges {
  readonly checks: readonly ConfigCheck[]
  /** Whether there are users, so that strangers are kept out. */
  readonly hasUsers: (config: Config) => boolean
}

const NO_JUDGES: ConfigJudges = { checks: [], hasUsers: () => false }

/** Fills what a program left out with defaults. Throws `CONFIG_INVALID` or `LISTENER_UNSAFE` with a line per mistake. */
export function completeConfig(partial: PartialConfig = {}, judges = NO_JUDGES): Config {
  const problems = new Problems()
  return complete(readTree(partial, { originOf: () => 'createHub' }, problems), problems, judges).config
}

/** Lays entries over the defaults, later ones over earlier ones, and throws if there is any problem. */
export function complete(
  entries: readonly Entry[],
  problems: Problems,
  { checks, hasUsers }: ConfigJudges = NO_JUDGES,
): Completed {
  const valueByKey = new Map<string, unknown>()
  const origins = new Map<string, string>()
  for (const option of OPTIONS) {
    valueByKey.set(option.key, new ValueReader(option.key, 'default').read(option.schema, option.default))
    origins.set(option.key, 'default')
  }
  let listenerPlace: Entry['originOf'] | undefined
  for (const { option, value, origin, originOf } of entries) {
    valueByKey.set(option.key, value)
    origins.set(option.key, origin)
    if (option.key === 'listeners') listenerPlace = originOf
  }
  if (valueByKey.get('http.enabled') === false) switchDashboardOff(valueByKey, origins, problems)
  const config = buildConfig(valueByKey)
  checkShortForm(config, origins, problems)
  for (const { at, what } of listenerFaults(config))
    problems.add(listenerPlace?.(at) ?? '', `listeners${at} ${what}`, 'listeners')
  checkSafety(config, origins, problems, hasUsers)
  for (const check of checks) check(config, problems)
  problems.throwIfAny()
  return { config, origins }
}

/** Without HTTP there is no dashboard; who asks for it all the same is told. */
function switchDashboardOff(valueByKey: Map<string, unknown>, origins: Map<string, string>, problems: Problems): void {
  const httpOrigin = origins.get('http.enabled') ?? ''
  const origin = origins.get('dashboard.enabled') ?? ''
  if (valueByKey.get('dashboard.enabled') === true && origin !== 'default') {
    problems.add(origin, `dashboard.enabled needs HTTP, which is switched off (http.enabled, ${httpOrigin})`)
  }
  valueByKey.set('dashboard.enabled', false)
  origins.set('dashboard.enabled', httpOrigin)
}

/** Who lists all listeners and gives a port besides would wait for it in vain. */
function checkShortForm(config: Config, origins: ReadonlyMap<string, string>, problems: Problems): void {
  if (config.listeners.length === 0) return
  for (const { key, default: usual } of OPTIONS) {
    if (key !== 'port' && key !== 'httpPort') continue
    const origin = origins.get(key) ?? ''
    // A whole configuration that somebody hands over has them too.
    if (config[key] === usual) continue
    const list = `listeners (${origins.get('listeners') ?? ''})`
    problems.add(
      origin,
      `${key} is the short form of a listener, and counts only without ${list}: leave one of them out`,
    )
  }
}

/** Nobody serves a network by accident. */
function checkSafety(
  config: Config,
  origins: ReadonlyMap<string, string>,
  problems: Problems,
  hasUsers: ConfigJudges['hasUsers'],
): void {
  if (config.allowAnonymous || !problems.areTrusted('host', 'listeners', 'allowAnonymous')) return
  const open = listenersOf(config).find((listener) => !isPrivate(listener) && !asksForCertificates(listener))
  if (open === undefined || hasUsers(config)) return
  const key = open.key === undefined ? 'host' : open.key
  problems.addConflict(
    'LISTENER_UNSAFE',
    `Cannot listen on ${open.host} (${key}, ${origins.get(open.key === undefined ? 'host' : 'listeners') ?? ''}): there are no users, so anyone who reaches that address could ` +
      'connect; add one with "hubbub user add NAME", ask for client certificates (listeners[].clientCertificates: required), ' +
      'allow it with --allow-anonymous (allowAnonymous: true), or listen on 127.0.0.1',
  )
}
