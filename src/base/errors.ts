/** What a kind of error means outside. */
interface ErrorKind {
  /** How a command ends that met it. */
  readonly exitCode: number
}

/**
 * Every kind of error the hub raises on purpose, by its stable code. Exit codes: 1 the hub could not start or go on,
 * 2 the user asked for something that cannot be, 70 a bug (sysexits `EX_SOFTWARE`).
 */
export const ERROR_KINDS = {
  ARGUMENT_INVALID: { exitCode: 2 },
  COMMAND_INVALID: { exitCode: 2 },
  CONFIG_INVALID: { exitCode: 2 },
  CONFIG_UNREADABLE: { exitCode: 2 },
  LISTENER_PORT_IN_USE: { exitCode: 1 },
  LISTENER_NO_PERMISSION: { exitCode: 1 },
  LISTENER_BAD_ADDRESS: { exitCode: 1 },
  LISTENER_UNSAFE: { exitCode: 2 },
  LISTENER_FAILED: { exitCode: 1 },
  CERTIFICATE_UNUSABLE: { exitCode: 1 },
  TOPIC_NAME_INVALID: { exitCode: 2 },
  TOPIC_FILTER_INVALID: { exitCode: 2 },
  TOPIC_RESERVED: { exitCode: 2 },
  PUBLISH_REFUSED: { exitCode: 1 },
  PUBLISH_NOT_STORED: { exitCode: 1 },
  REQUEST_NOT_HEARD: { exitCode: 1 },
  REQUEST_NOT_ANSWERED: { exitCode: 1 },
  ACCESS_DENIED: { exitCode: 1 },
  OPEN_FILES_TOO_FEW: { exitCode: 1 },
  STORE_LOCKED: { exitCode: 1 },
  STORE_UNUSABLE: { exitCode: 1 },
  STORE_FAILED: { exitCode: 1 },
  HUB_NOT_RUNNING: { exitCode: 1 },
  HUB_START_FAILED: { exitCode: 1 },
  HUB_STOP_FAILED: { exitCode: 1 },
  HUB_UNREACHABLE: { exitCode: 1 },
  HISTORY_QUERY_INVALID: { exitCode: 2 },
  HISTORY_DISABLED: { exitCode: 1 },
  USERS_INVALID: { exitCode: 2 },
  USERS_FAILED: { exitCode: 1 },
  USER_INVALID: { exitCode: 2 },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/**
 * The one error class of the hub. The message has the form `Cannot <verb> <object>: <what is required>, <what is now>`;
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
}
