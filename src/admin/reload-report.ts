/** What became of a configuration that was read again. */
export interface ReloadReport {
  /** Keys of the options that have changed and are in force. */
  readonly applied: readonly string[]
  /** Keys of those that change with a restart only. */
  readonly needRestart: readonly string[]
}

/** Reads the configuration again. @throws HubbubError `CONFIG_INVALID` and the like: nothing has changed then */
export type OnReload = () => Promise<ReloadReport>
