/** What every option says about itself, whatever its kind. */
interface OptionBase {
  /** How the option is spelled in a file, with its section: `limits.maxPacketBytes`. */
  readonly key: string
  /** What it is for and when to change it. */
  readonly summary: string
  readonly needsRestart: boolean
  /** Named on the first page of `--help`. */
  readonly isEveryday?: boolean
}

/** The numbers that may be written. */
export interface NumberKind {
  readonly key: string
  readonly kind: 'number'
  readonly unit:
    | 'port'
    | 'bytes'
    | 'seconds'
    | 'messages'
    | 'messages/s'
    | 'connections'
    | 'subscriptions'
    | 'topics'
    | 'aliases'
    | 'levels'
    | 'days'
  readonly min: number
  readonly max: number
  /** What `null` in a file becomes in code; without it `null` is a mistake. `Infinity`: no limit; `null`: off. */
  readonly nullMeans?: number | null
}

export interface NumberOption extends OptionBase, NumberKind {
  readonly key: string
  readonly default: number | null
}

export interface ChoiceOption extends OptionBase {
  readonly kind: 'choice'
  readonly allowed: readonly string[]
  readonly default: string
}

export interface BooleanOption extends OptionBase {
  readonly kind: 'boolean'
  readonly default: boolean
}

/** An IP address or a host name to listen on. */
export interface HostOption extends OptionBase {
  readonly kind: 'host'
  readonly default: string
}

/** A folder, relative ones from where the hub is started, or the word that stands for none. */
export interface FolderOption extends OptionBase {
  readonly kind: 'folder'
  readonly noFolder: string
  readonly default: string
}

/** A list of web origins; in text they are separated by commas. */
export interface OriginsOption extends OptionBase {
  readonly kind: 'origins'
  readonly default: readonly string[]
}

/** A path of a URL, with a slash at its end or without. */
export interface PathOption extends OptionBase {
  readonly kind: 'path'
  readonly default: string
}

/** A part of an item of a list; what is left out is undefined. */
export type Field =
  | NumberKind
  | { readonly key: string; readonly kind: 'boolean' }
  | { readonly key: string; readonly kind: 'filter'; readonly isRequired?: boolean }

/** A list of items, each of which has fields; in text it is JSON. */
export interface ListOption extends OptionBase {
  readonly kind: 'list'
  /** What an item is called. */
  readonly itemName: string
  readonly fields: readonly Field[]
  readonly default: readonly []
}

/**
 * One option of the hub, as one row: type, check, environment variable, flag, help and the table in the docs all come from
 * it.
 */
export type Option =
  | NumberOption
  | ChoiceOption
  | BooleanOption
  | HostOption
  | FolderOption
  | OriginsOption
  | PathOption
  | ListOption

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
