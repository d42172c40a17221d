import type { QoS } from '../../protocol/packet-types.ts'
import type { PublishVerdict, ReceiveVerdict } from '../view.ts'
import type { RulePlace } from './place.ts'
import type { Subject } from './subject.ts'
import type { TopicPattern } from './topic-pattern.ts'

/** One access rule as it was read, before it is made one of an identity. */
export interface Rule {
  readonly place: RulePlace
  readonly isAllow: boolean
  /** Whom it concerns. */
  readonly subject: Subject
  readonly patterns: readonly TopicPattern[]
  /** What it says of a message that somebody publishes; undefined: nothing. */
  readonly publish: PublishVerdict | undefined
  /** What it says of a message that somebody receives; undefined: nothing. */
  readonly receive: ReceiveVerdict | undefined
  /** The highest QoS of what it allows. */
  readonly maxQos: QoS
  /** It allows only who names a topic: no filter with wildcards gets there. */
  readonly isExact: boolean
  /** It holds no variable: it is the same for everybody whom it concerns. */
  readonly isFixed: boolean
}

/** What a rule says besides whom and what it concerns; what is left out limits nothing. */
export interface RuleTerms {
  readonly isAllow: boolean
  readonly isOfPublish: boolean
  readonly isOfReceive: boolean
  readonly maxQos?: QoS | undefined
  readonly mayRetain?: boolean | undefined
  readonly includesPast?: boolean | undefined
  readonly isExact?: boolean | undefined
}

const QOS_2 = 2

export function makeRule(
  place: RulePlace,
  subject: Subject,
  patterns: readonly TopicPattern[],
  terms: RuleTerms,
): Rule {
  const { isAllow, isOfPublish, isOfReceive, maxQos = QOS_2, mayRetain = isAllow, includesPast = isAllow } = terms
  return {
    place,
    isAllow,
    subject,
    patterns,
    publish: isOfPublish ? { isAllowed: isAllow, rule: place, maxQos, mayRetain } : undefined,
    receive: isOfReceive ? { isAllowed: isAllow, rule: place, includesPast } : undefined,
    maxQos,
    isExact: terms.isExact ?? false,
    isFixed: patterns.every(({ fixed }) => fixed !== undefined),
  }
}
