import { closest, didYouMean } from '../../base/closest.ts'
import { quote } from '../../base/quote.ts'
import { readTextFile } from '../../base/text-file.ts'
import { isWrittenList, type Written } from '../../base/written.ts'
import type { Config } from '../../config/config.ts'
import type { Problems } from '../../config/problems.ts'
import type { RuleSet } from './access-rules.ts'
import { RuleFaults } from './faults.ts'
import { Groups, type GroupMembers } from './groups.ts'
import { findIdleRules } from './idle-rules.ts'
import { readMosquittoAcl } from './mosquitto-acl.ts'
import { readGroups } from './read-groups.ts'
import { readRules } from './read-rules.ts'
import type { Rule } from './rule.ts'
import { namesOf } from './subject.ts'

const MAX_ACL_FILE_BYTES = 2 * 1024 * 1024

/** The rules of a configuration, and what was found in them: with any error, they must not be used. */
export interface AccessReading {
  readonly ruleSet: RuleSet
  readonly faults: RuleFaults
}

/** Reads the section `access`, whole, so that all that is wrong with it is told at once. */
export function readAccess({
  rules: written,
  groups: writtenGroups,
  partial,
  aclFile,
}: Config['access']): AccessReading {
  const faults = new RuleFaults()
  if (aclFile !== null) return readAclFile(aclFile, written, faults)
  const members = readGroups(writtenGroups, 'access.groups', faults)
  const rules = readRules(written, 'access.rules', faults)
  // A circle would be walked forever.
  const groups = new Groups(faults.errors.length === 0 ? members : new Map())
  if (faults.errors.length === 0) {
    findIdleRules(rules, groups, faults)
    checkNames(rules, members, faults)
  }
  return { ruleSet: { rules, groups, isFiltering: partial === 'filter' }, faults }
}

function readAclFile(path: string, written: Written, faults: RuleFaults): AccessReading {
  if (isWrittenList(written.value) && written.value.length > 0) {
    faults.add(
      written,
      'access.rules must be empty where access.aclFile has the rules: which come first would be a guess',
    )
  }
  const file = readTextFile(path, MAX_ACL_FILE_BYTES)
  const rules = 'text' in file ? readMosquittoAcl(file.text, path, faults) : []
  if ('fault' in file) faults.add({ file: path, line: undefined }, `${file.fault} (access.aclFile)`)
  return { ruleSet: { rules, groups: new Groups(new Map()), isFiltering: true }, faults }
}

/** Tells what is wrong with the section beside what is wrong with the rest of a configuration. */
export function checkAccess({ access }: Config, problems: Pick<Problems, 'add'>): void {
  for (const { place, what } of readAccess(access).faults.errors) problems.add(place, what)
}

/** Names that were hardly meant so: of a group that is nearly one of the file, or twice and spelled in two ways. */
function checkNames(rules: readonly Rule[], members: ReadonlyMap<string, GroupMembers>, faults: RuleFaults): void {
  const spelled = new Map<string, string>()
  const told = new Set<string>()
  for (const { place, subject } of rules) {
    for (const { kind, name } of namesOf(subject)) {
      if (kind === 'group' && !members.has(name)) {
        const hint = didYouMean(closest(name, members.keys()))
        if (hint !== '' && !told.has(name)) faults.warn(place, `access.groups has no group ${quote(name)}${hint}`)
        told.add(name)
      }
      const alike = `${kind} ${name.normalize('NFKC').toLowerCase()}`
      const other = spelled.get(alike) ?? name
      if (other !== name && !told.has(alike)) {
        faults.warn(place, `${kind} ${quote(name)} looks like ${kind} ${quote(other)}, but is another`)
        told.add(alike)
      }
      spelled.set(alike, other)
    }
  }
}
