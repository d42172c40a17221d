import { isDeepStrictEqual } from 'node:util'
import { type Config, configValue } from './config.ts'
import { OPTIONS } from './options.ts'

/** The keys of the options whose values differ; with `isLive` those that can change while a hub runs, else the others. */
export function changedOptions(before: Config, after: Config, isLive: boolean): string[] {
  return OPTIONS.filter(
    ({ key, needsRestart }) =>
      needsRestart !== isLive && !isDeepStrictEqual(configValue(before, key), configValue(after, key)),
  ).map(({ key }) => key)
}

/** The limits that can change while a hub runs, by their names without the section. */
export function liveLimits(config: Config): Partial<Config['limits']> {
  const live = OPTIONS.filter(({ key, needsRestart }) => !needsRestart && key.startsWith('limits.'))
  return Object.fromEntries(live.map(({ key }) => [key.slice('limits.'.length), configValue(config, key)]))
}
