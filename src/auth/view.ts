import type { QoS } from '../protocol/packet-types.ts'
import type { RulePlace } from './rules/place.ts'

/** What decided: a rule, or undefined where no rule fits, which denies. */
interface Verdict {
  readonly isAllowed: boolean
  readonly rule: RulePlace | undefined
}

export interface PublishVerdict extends Verdict {
  readonly maxQos: QoS
  /** Messages may be retained, and retained ones deleted. */
  readonly mayRetain: boolean
}

export interface ReceiveVerdict extends Verdict {
  /** What was said before may be received too. */
  readonly includesPast: boolean
}

export interface SubscribeVerdict {
  /**
   * `some`: the subscription is granted, and each message has to be asked about; only where the rules are to filter (`access.partial`).
   * Else a filter that takes in more than is allowed is `none`.
   */
  readonly extent: 'all' | 'some' | 'none'
  readonly maxQos: QoS
  /** A filter of topics that the asked one takes in and that are not allowed. */
  readonly witness: string | undefined
  /** What denies the witness; undefined where no rule fits. */
  readonly rule: RulePlace | undefined
}

/** The rules that concern one identity. It never changes: a reload makes others. Verdicts are shared and never change. */
export interface View {
  /** Everything is allowed: nothing has to be asked. */
  readonly isUnlimited: boolean
  /** `topic` is a valid topic name. */
  publish(topic: string): PublishVerdict
  /**
   * `isNamed`: the topic is asked for by its whole name. Else it is found through a filter with wildcards or in a list, where a rule
   * that is `exact` shows nothing.
   */
  receive(topic: string, isNamed?: boolean): ReceiveVerdict
  /** `filter` is a valid topic filter, without `$share/…` and `$history/…`; `isPast`: it asks for what was said before. */
  subscribe(filter: string, isPast: boolean): SubscribeVerdict
}
