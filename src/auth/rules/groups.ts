import { Glob } from './glob.ts'

/** Who is in a group of the configuration: users by name, in which `*` stands for any text, and other groups. */
export interface GroupMembers {
  readonly users: readonly string[]
  readonly groups: readonly string[]
}

/** The groups of the configuration, whose members may be groups. */
export class Groups {
  readonly #groupsByUser = new Map<string, string[]>()
  readonly #globs: (readonly [glob: Glob, group: string])[] = []
  /** By group: the groups that it is a member of. */
  readonly #above = new Map<string, string[]>()
  readonly names: ReadonlySet<string>

  /** There must be no circle; see `findGroupCircle`. */
  constructor(members: ReadonlyMap<string, GroupMembers>) {
    this.names = new Set(members.keys())
    for (const [group, { users, groups }] of members) {
      for (const user of users) {
        const glob = new Glob(user)
        if (glob.isLiteral) append(this.#groupsByUser, user, group)
        else this.#globs.push([glob, group])
      }
      for (const below of groups) append(this.#above, below, group)
    }
  }

  /** All groups that a user is in by his name, or by a group that he is in. Undefined: nobody's name. */
  of(user: string | undefined, ownGroups: readonly string[]): ReadonlySet<string> {
    const found = new Set(ownGroups)
    if (user !== undefined) {
      for (const group of this.#groupsByUser.get(user) ?? []) found.add(group)
      for (const [glob, group] of this.#globs) if (glob.matches(user)) found.add(group)
    }
    // A set that grows is walked to its end.
    if (this.#above.size > 0)
      for (const group of found) for (const above of this.#above.get(group) ?? []) found.add(above)
    return found
  }
}

function append(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}

/** A group that is a member of itself by way of others, as the way: `[a, b, a]`. */
export function findGroupCircle(members: ReadonlyMap<string, GroupMembers>): readonly string[] | undefined {
  const done = new Set<string>()
  for (const start of members.keys()) {
    const way: string[] = []
    const rest: (string | undefined)[] = [start]
    // Depth first with a list of its own: names may nest deeper than the stack. Undefined: back up one.
    while (rest.length > 0) {
      const group = rest.pop()
      if (group === undefined) {
        const left = way.pop()
        if (left !== undefined) done.add(left)
        continue
      }
      const at = way.indexOf(group)
      if (at !== -1) return [...way.slice(at), group]
      if (done.has(group)) continue
      way.push(group)
      rest.push(undefined)
      for (const below of members.get(group)?.groups ?? []) rest.push(below)
    }
  }
  return undefined
}
