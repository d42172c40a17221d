import { isDeepStrictEqual } from 'node:util'
import { HubbubError } from '../base/errors.ts'
import type { AdjustableLog } from '../base/log.ts'
import type { Completed } from '../config/complete.ts'
import { configValue } from '../config/config.ts'
import { OPTIONS } from '../config/options.ts'

/** Reads the configuration of a running hub again, and takes over what can change while it runs: the log level. */
export class Reload {
  readonly #load: () => Promise<Completed>
  readonly #log: AdjustableLog
  /** What the hub runs with. */
  #running: Completed['config']

  constructor(running: Completed['config'], load: () => Promise<Completed>, log: AdjustableLog) {
    this.#running = running
    this.#load = load
    this.#log = log
  }

  /** Says in the log what it did, and what needs a restart. With a mistake in the configuration all stays as it was. */
  async run(): Promise<void> {
    try {
      const { config } = await this.#load()
      this.#take(config)
    } catch (error) {
      if (!(error instanceof HubbubError)) throw error
      this.#log.error({ code: error.code, reason: error.message }, 'configuration not reloaded: it has mistakes')
    }
  }

  #take(config: Completed['config']): void {
    const changed = OPTIONS.filter(
      ({ key }) => !isDeepStrictEqual(configValue(config, key), configValue(this.#running, key)),
    )
    const { logLevel } = config
    const applied = changed.filter(({ needsRestart }) => !needsRestart).map(({ key }) => key)
    const needRestart = changed.filter(({ needsRestart }) => needsRestart).map(({ key }) => key)
    this.#running = { ...this.#running, logLevel }
    const tell = (): void => {
      this.#log.info({ applied, logLevel }, 'configuration reloaded')
      if (needRestart.length > 0) this.#log.warn({ options: needRestart }, 'these options change with a restart only')
    }
    // By the more talkative of both levels.
    if (this.#log.isTold('info')) {
      tell()
      this.#log.setLevel(logLevel)
    } else {
      this.#log.setLevel(logLevel)
      tell()
    }
  }
}
