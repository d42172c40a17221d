import type { Loaded } from '../config/load.ts'

/** A flag that is not an option of the hub. */
export interface Flag {
  /** Without the dashes before it. */
  readonly name: string
  /** One letter that means the same. */
  readonly short?: string
  /** What stands for its value in the help; a flag without it takes none. */
  readonly value?: string
  readonly summary: string
}

/** What was typed behind the name of a command. */
export interface CommandCall {
  /** Empty for a command that takes none. */
  readonly operand: string
  /** The values of its flags by name; a flag that takes none has an empty one. */
  readonly flags: ReadonlyMap<string, string>
  /** Loads the configuration, or that of another file. @throws HubbubError with a line for each mistake, of the command line too */
  readonly loadConfig: (file?: string) => Promise<Loaded>
}

/** A command, as one row: parsing, checks, suggestions and help all come from it. */
export interface Command {
  /** One word, or two. */
  readonly name: string
  /** What stands for the one word that must follow the name. */
  readonly operand?: string
  readonly flags?: readonly Flag[]
  readonly summary: string
  /** It is about a hub that serves: a configuration that would serve strangers is refused. */
  readonly isOfServing?: true
  /** Loads what it needs and does its work. Returns what is to be printed, if it has not done so itself. @throws HubbubError */
  run(call: CommandCall): Promise<string | void>
}
