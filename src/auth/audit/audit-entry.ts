/** Who has changed or deleted what, from where, and how it ended. */
export interface AuditEntry {
  /** Grows with each entry, also over restarts. */
  readonly sequence: number
  /** By the wall clock, in ms since 1970; of the first of `times`. */
  readonly atMs: number
  /** Undefined: nobody has shown who they are, or it was a program or a command on this machine. */
  readonly user: string | undefined
  /** The address that it came from; undefined: this machine, not over the network. */
  readonly host: string | undefined
  /** What was asked for, `DELETE /api/v1/retained`, or what has happened: `users or rules have changed`. */
  readonly action: string
  /** What it was done to, by the name of each. Never a secret. */
  readonly what: Readonly<Record<string, string>>
  readonly outcome: 'done' | 'refused' | 'failed'
  /** More than 1: the same within a minute. */
  readonly times: number
}

/** What is known of an entry when it happens. */
export type AuditNote = Omit<AuditEntry, 'sequence' | 'atMs' | 'times'>
