import type { Option } from '../option.ts'
import { BOOLEAN, choice, textOrOff, type WrittenSchema } from '../schema.ts'

type OneOrMore<T> = T | readonly T[]

type AccessAction = 'publish' | 'receive'

/** Whom a rule concerns: of one mapping all fields must fit, of a list one item. */
export type AccessSubject = OneOrMore<
  | 'everybody'
  | 'anonymous'
  | 'users'
  | `${'user' | 'group' | 'client' | 'address' | 'listener' | 'role'} ${string}`
  | {
      readonly anonymous?: true
      readonly users?: true
      readonly user?: OneOrMore<string>
      readonly group?: OneOrMore<string>
      readonly client?: OneOrMore<string>
      readonly address?: OneOrMore<string>
      readonly listener?: OneOrMore<string>
      readonly role?: OneOrMore<string>
    }
>

/** One rule as it is written, with either `allow` or `deny`. */
export interface AccessRule {
  readonly allow?: OneOrMore<AccessAction>
  readonly deny?: OneOrMore<AccessAction>
  readonly topics: OneOrMore<string>
  readonly for?: AccessSubject
  readonly maxQos?: 0 | 1 | 2
  readonly retain?: boolean
  readonly history?: boolean
  readonly exact?: boolean
}

const RULES: WrittenSchema<readonly AccessRule[]> = {
  type: 'written',
  form: 'list',
  wanted: 'a list of rules such as {allow: publish, topics: "home/#", for: users}',
}

const GROUPS: WrittenSchema<Readonly<Record<string, readonly string[]>>> = {
  type: 'written',
  form: 'mapping',
  wanted: 'lists of members by name of the group, such as {family: [anna, otto]}',
}

/** What users may do. `auth/rules/` reads the language. */
export const ACCESS_OPTIONS = [
  {
    key: 'access.rules',
    schema: RULES,
    default: [],
    summary:
      'What may be published and received, and by whom: the first rule that matches decides, and what no rule matches is denied. It counts once there are users. docs/security.md has the language.',
    needsRestart: false,
  },
  {
    key: 'access.groups',
    schema: GROUPS,
    default: {},
    summary:
      'Groups that rules can name, beside those that users have themselves. In the name of a member, "*" stands for any text; "group NAME" is a group in the group.',
    needsRestart: false,
  },
  {
    key: 'access.partial',
    schema: choice('refuse', 'filter'),
    default: 'refuse',
    summary:
      'What becomes of a subscription to more than is allowed. "refuse": it fails, and the log says which topics are too much; "filter": it is granted, and what is not allowed is left out.',
    needsRestart: false,
  },
  {
    key: 'access.aclFile',
    schema: textOrOff({
      type: 'string',
      pattern: '^[^\\0]*[^\\0\\s][^\\0]*$',
      wanted: "the path of an acl_file of Mosquitto's",
      placeholder: 'FILE',
    }),
    default: null,
    summary:
      'Takes the rules of a file that was written for Mosquitto (its acl_file), in place of access.rules. Subscriptions to more than is allowed are then filtered, as Mosquitto does.',
    needsRestart: false,
  },
  {
    key: 'access.observe',
    schema: BOOLEAN,
    default: true,
    summary:
      'Notes in the data folder which topics and filters each user was seen with, at most 100,000, as evidence for "hubbub access test" and "hubbub access learn". It needs users and costs nothing per message.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
