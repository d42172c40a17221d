import type { QoS } from '../protocol/packet-types.ts'
import type { RulePlace } from './rules/place.ts'
import type { PublishVerdict, SubscribeVerdict } from './view.ts'

/** Where a rule stands: `hubbub.yaml:14`. */
export function placeText({ file, line }: RulePlace): string {
  return line === undefined ? file : `${file}:${line}`
}

/** Says what denies something: the rule, or that there is none. */
export function denialBy(rule: RulePlace | undefined): string {
  return rule === undefined ? 'no access rule allows it' : `${placeText(rule)} denies it`
}

/** What there is to say against a message for what its client may publish there; undefined: nothing. */
export function publishDenial(verdict: PublishVerdict, qos: QoS, retain: boolean): string | undefined {
  const { isAllowed, rule, maxQos, mayRetain } = verdict
  if (!isAllowed) return denialBy(rule)
  const by = rule === undefined ? 'the access rules allow' : `${placeText(rule)} allows`
  if (qos > maxQos) return `${by} QoS ${maxQos} at most, it has ${qos}`
  return retain && !mayRetain ? `${by} no retained messages` : undefined
}

/** What there is to say against a subscription that is not granted. */
export function subscribeDenial({ witness, rule }: SubscribeVerdict, filter: string): string {
  return witness === undefined || witness === filter
    ? denialBy(rule)
    : `it takes in ${JSON.stringify(witness)}, and ${denialBy(rule)}`
}
