import type { Schema } from './schema.ts'

/**
 * One option of the hub, as one row: type, check, environment variable, flag, help and the table in the docs all come from
 * it.
 */
export interface Option {
  /** How the option is spelled in a file, with its section: `limits.maxPacketBytes`. */
  readonly key: string
  readonly schema: Schema
  readonly default: string | number | boolean | null | readonly string[] | Readonly<Record<string, never>>
  /** What it is for and when to change it. */
  readonly summary: string
  readonly needsRestart: boolean
  /** Named on the first page of `--help`. */
  readonly isEveryday?: boolean
}

/** `limits.maxPacketBytes` becomes `HUBBUB_LIMITS_MAX_PACKET_BYTES`. */
export function environmentName(key: string): string {
  return `HUBBUB_${words(key).join('_').toUpperCase()}`
}

/** `limits.maxPacketBytes` becomes `limits-max-packet-bytes`; the caller adds the dashes before it. */
export function flagName(key: string): string {
  return words(key).join('-')
}

function words(key: string): string[] {
  return key.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.')
}
