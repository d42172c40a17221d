import type { PublishVerdict, ReceiveVerdict, SubscribeVerdict, View } from '../view.ts'
import type { RuleView } from './rule-view.ts'

/** What two views allow both: what somebody may do, as far as a token of theirs goes. */
export class NarrowView implements View {
  readonly isUnlimited = false
  readonly #whole: RuleView
  readonly #scope: RuleView

  constructor(whole: RuleView, scope: RuleView) {
    this.#whole = whole
    this.#scope = scope
  }

  get allowsNothing(): boolean {
    return this.#whole.allowsNothing || this.#scope.allowsNothing
  }

  publish(topic: string): PublishVerdict {
    const whole = this.#whole.publish(topic)
    const scope = this.#scope.publish(topic)
    if (!whole.isAllowed || !scope.isAllowed) return whole.isAllowed ? scope : whole
    return {
      isAllowed: true,
      rule: scope.rule,
      maxQos: whole.maxQos < scope.maxQos ? whole.maxQos : scope.maxQos,
      mayRetain: whole.mayRetain && scope.mayRetain,
    }
  }

  receive(topic: string, isNamed?: boolean): ReceiveVerdict {
    const whole = this.#whole.receive(topic, isNamed)
    const scope = this.#scope.receive(topic, isNamed)
    if (!whole.isAllowed || !scope.isAllowed) return whole.isAllowed ? scope : whole
    return { isAllowed: true, rule: scope.rule, includesPast: whole.includesPast && scope.includesPast }
  }

  /** `some` of both may be nothing: then each message is asked about and none passes. */
  subscribe(filter: string, isPast: boolean): SubscribeVerdict {
    const whole = this.#whole.subscribe(filter, isPast)
    const scope = this.#scope.subscribe(filter, isPast)
    if (whole.extent === 'none' || scope.extent === 'none') return whole.extent === 'none' ? whole : scope
    const { witness, rule } = whole.extent === 'some' ? whole : scope
    return {
      extent: whole.extent === 'all' && scope.extent === 'all' ? 'all' : 'some',
      maxQos: whole.maxQos < scope.maxQos ? whole.maxQos : scope.maxQos,
      witness,
      rule,
    }
  }
}
