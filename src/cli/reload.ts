import type { ReloadReport } from '../admin/reload-report.ts'
import { HubbubError } from '../base/errors.ts'
import type { AdjustableLog } from '../base/log.ts'
import type { Completed } from '../config/complete.ts'
import type { Hub } from '../hub.ts'

/** Reads the configuration of a running hub again, and has the hub take over what can change while it runs. */
export class Reload {
  readonly #load: () => Promise<Completed>
  readonly #log: AdjustableLog
  /** Once it runs. */
  hub: Hub | undefined = undefined

  constructor(load: () => Promise<Completed>, log: AdjustableLog) {
    this.#load = load
    this.#log = log
  }

  /** Says in the log what it did. With a mistake in the configuration all stays as it was. */
  async run(): Promise<void> {
    try {
      await this.report()
    } catch (error) {
      if (!(error instanceof HubbubError)) throw error
    }
  }

  /** The same, and says what has changed. @throws HubbubError for a mistake in the configuration, which is in the log too */
  async report(): Promise<ReloadReport> {
    const log = this.#log
    try {
      const { config } = await this.#load()
      const { applied, needRestart } = (await this.hub?.reload(config)) ?? { applied: [], needRestart: [] }
      const { logLevel } = config
      const tell = (): void => {
        log.info({ applied, logLevel }, 'configuration reloaded')
        if (needRestart.length > 0) log.warn({ options: needRestart }, 'these options change with a restart only')
      }
      // By the more talkative of both levels.
      if (log.isTold('info')) {
        tell()
        log.setLevel(logLevel)
      } else {
        log.setLevel(logLevel)
        tell()
      }
      return { applied, needRestart }
    } catch (error) {
      if (!(error instanceof HubbubError)) throw error
      log.error({ code: error.code, reason: error.message }, 'configuration not reloaded: it has mistakes')
      throw error
    }
  }
}
