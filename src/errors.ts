/** What a kind of error means outside: how a command ends and whether trying again can help. */
interface ErrorKind {
  readonly exitCode: number
  readonly isRetryable: boolean
}

/**
 * Every kind of error the hub raises on purpose, by its stable code. Exit codes: 1 the hub could not start or go on,
 * 2 the user asked for something that cannot be, 70 a bug (sysexits `EX_SOFTWARE`).
 */
export const ERROR_KINDS = {
  COMMAND_INVALID: { exitCode: 2, isRetryable: false },
  CONFIG_INVALID: { exitCode: 2, isRetryable: false },
  CONFIG_UNREADABLE: { exitCode: 2, isRetryable: false },
  LISTENER_PORT_IN_USE: { exitCode: 1, isRetryable: true },
  LISTENER_NO_PERMISSION: { exitCode: 1, isRetryable: false },
  LISTENER_BAD_ADDRESS: { exitCode: 1, isRetryable: false },
  LISTENER_UNSAFE: { exitCode: 2, isRetryable: false },
  LISTENER_FAILED: { exitCode: 1, isRetryable: false },
  TOPIC_NAME_INVALID: { exitCode: 2, isRetryable: false },
  TOPIC_FILTER_INVALID: { exitCode: 2, isRetryable: false },
  HUB_NOT_RUNNING: { exitCode: 1, isRetryable: false },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/**
 * The one error class of the hub. The message has the form `Cannot <verb> <object>: <what is wanted>, <what is now>`;
 * `code` is stable and tells kinds apart; `cause` carries a foreign error.
 */
export class HubbubError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HubbubError'
    this.code = code
  }

  get exitCode(): number {
    return ERROR_KINDS[this.code].exitCode
  }

  get isRetryable(): boolean {
    return ERROR_KINDS[this.code].isRetryable
  }
}
