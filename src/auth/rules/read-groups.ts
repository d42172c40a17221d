import { quote } from '../../base/quote.ts'
import { isWrittenList, isWrittenMapping, plainOf, type Written } from '../../base/written.ts'
import type { RuleFaults } from './faults.ts'
import { findGroupCircle, type GroupMembers } from './groups.ts'
import { nameOf } from './read-subject.ts'

const MAX_GROUPS = 10_000
const MAX_MEMBERS = 100_000
const NESTED = 'group '

/** Reads the groups of the configuration: lists of members by name. What is wrong goes to `faults`. */
export function readGroups(written: Written, name: string, faults: RuleFaults): ReadonlyMap<string, GroupMembers> {
  const groups = new Map<string, GroupMembers>()
  const { value } = written
  if (value === null) return groups
  if (!isWrittenMapping(value)) {
    faults.add(written, `${name} must be lists of members by name of the group, it is ${quote(plainOf(written))}`)
    return groups
  }
  if (value.size > MAX_GROUPS) faults.add(written, `${name} must be at most ${MAX_GROUPS}, it is ${value.size}`)
  for (const [group, members] of value) groups.set(group, readMembers(members, `${name}.${group}`, faults))
  const circle = findGroupCircle(groups)
  if (circle !== undefined) {
    const at = value.get(circle[0] ?? '') ?? written
    const way = circle.map((group) => quote(group)).join(', ')
    faults.add(at, `${name} must not go in a circle; of these, each has the next one as a member: ${way}`)
  }
  return groups
}

function readMembers(written: Written, name: string, faults: RuleFaults): GroupMembers {
  const users: string[] = []
  const groups: string[] = []
  const items = written.value === null ? [] : isWrittenList(written.value) ? written.value : [written]
  if (items.length > MAX_MEMBERS) faults.add(written, `${name} must have at most ${MAX_MEMBERS} members`)
  for (const [i, item] of items.entries()) {
    const member = nameOf(item)
    if (member === undefined || member === '') {
      faults.add(
        item,
        `${name}[${i}] must be the name of a user, or "group" and the name of one, it is ${quote(plainOf(item))}`,
      )
    } else if (member.startsWith(NESTED)) groups.push(member.slice(NESTED.length))
    else users.push(member)
  }
  return { users, groups }
}
