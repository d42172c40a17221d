import { makeRule, type Rule } from './rule.ts'
import { makePattern, readPattern, type TopicPattern } from './topic-pattern.ts'

/** Stands for all topics, also those that begin with "$". */
export const EVERY_TOPIC: TopicPattern = makePattern('every topic', ['+', '#'])

/** What holds where no rule of the file and none of the user says else. */
export const BUILT_IN_RULES: readonly Rule[] = [
  makeRule(
    { file: 'the hub', line: undefined, text: 'an admin may do everything' },
    { kind: 'role', name: 'admin' },
    [EVERY_TOPIC],
    { isAllow: true, isOfPublish: true, isOfReceive: true },
  ),
  makeRule(
    { file: 'the hub', line: undefined, text: 'an operator may receive what the hub tells of itself' },
    { kind: 'role', name: 'operator' },
    ['$SYS/#', '$hub/#'].map((text) => readPattern(text)).filter((pattern) => typeof pattern !== 'string'),
    { isAllow: true, isOfPublish: false, isOfReceive: true },
  ),
]
