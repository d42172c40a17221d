import { hasWildcard } from '../../protocol/topic.ts'
import type { PublishVerdict, ReceiveVerdict, SubscribeVerdict, View } from '../view.ts'
import {
  contains,
  FilterList,
  FilterTree,
  filterText,
  isCovered,
  levelsOf,
  meet,
  type Levels,
} from './filter-levels.ts'
import type { RulePlace } from './place.ts'
import type { Rule } from './rule.ts'

/** A rule for one topic filter, with the variables filled in. */
export interface ViewEntry {
  readonly levels: Levels
  readonly rule: Rule
}

/** Made up to here, a set of filters costs more than it saves. */
const MANY_ENTRIES = 64
const QOS_2 = 2

const NOTHING_TO_PUBLISH: PublishVerdict = { isAllowed: false, rule: undefined, maxQos: 0, mayRetain: false }
const NOTHING_TO_RECEIVE: ReceiveVerdict = { isAllowed: false, rule: undefined, includesPast: false }

/** The rules of one identity, made when it comes: the first one that matches decides, and nothing matches is denied. */
export class RuleView implements View {
  readonly #publish: readonly ViewEntry[]
  readonly #receive: readonly ViewEntry[]
  /** What holds of every topic where no entry matches. */
  readonly #rest: Rule | undefined
  readonly #isFiltering: boolean

  /** `isFiltering`: a filter wider than what is allowed is granted, and what is not allowed left out. */
  constructor(entries: readonly ViewEntry[], rest: Rule | undefined, isFiltering: boolean) {
    this.#publish = entries.filter(({ rule }) => rule.publish !== undefined)
    this.#receive = entries.filter(({ rule }) => rule.receive !== undefined)
    this.#rest = rest
    this.#isFiltering = isFiltering
  }

  /** No rule allows anything. */
  get allowsNothing(): boolean {
    if (this.#rest?.isAllow === true) return false
    return !this.#publish.some(isOfAllow) && !this.#receive.some(isOfAllow)
  }

  get isUnlimited(): boolean {
    return this.#rest !== undefined && this.#publish.every(isGenerous) && this.#receive.every(isGenerous)
  }

  publish(topic: string): PublishVerdict {
    const levels = topic.split('/')
    for (const entry of this.#publish) {
      if (contains(entry.levels, levels)) return entry.rule.publish ?? NOTHING_TO_PUBLISH
    }
    return this.#rest?.publish ?? NOTHING_TO_PUBLISH
  }

  receive(topic: string, isNamed = false): ReceiveVerdict {
    const levels = topic.split('/')
    for (const { levels: filter, rule } of this.#receive) {
      if ((isNamed || !rule.isExact) && contains(filter, levels)) return rule.receive ?? NOTHING_TO_RECEIVE
    }
    return this.#rest?.receive ?? NOTHING_TO_RECEIVE
  }

  subscribe(filter: string, isPast: boolean): SubscribeVerdict {
    const asked = levelsOf(filter)
    const isWide = hasWildcard(filter)
    const before = this.#receive.length > MANY_ENTRIES ? new FilterTree() : new FilterList()
    let isSomeAllowed = false
    let maxQos: SubscribeVerdict['maxQos'] = QOS_2
    let refused: { readonly levels: Levels; readonly rule: RulePlace | undefined } | undefined
    let isDecided = false
    for (const [i, { levels, rule }] of this.#receive.entries()) {
      if (rule.isExact && isWide) continue
      const common = meet(asked, levels)
      if (common === undefined) continue
      if (isAllowing(rule, isPast)) {
        if ((!isSomeAllowed || rule.maxQos < maxQos) && !isCovered(common, before)) {
          isSomeAllowed = true
          if (rule.maxQos < maxQos) maxQos = rule.maxQos
        }
      } else if (refused === undefined && !isCovered(common, before)) {
        refused = { levels: common, rule: rule.place }
        if (!this.#isFiltering) break
      }
      before.add(levels, i)
      isDecided = contains(levels, asked)
      if (isDecided) break
    }
    if (!isDecided && (this.#isFiltering || refused === undefined)) {
      const isRest = this.#rest !== undefined
      if ((isRest ? !isSomeAllowed : refused === undefined) && !isCovered(asked, before)) {
        if (isRest) isSomeAllowed = true
        else refused = { levels: asked, rule: undefined }
      }
    }
    const extent = refused === undefined ? 'all' : isSomeAllowed && this.#isFiltering ? 'some' : 'none'
    const witness = refused === undefined ? undefined : filterText(refused.levels)
    return { extent, maxQos, witness, rule: refused?.rule }
  }
}

function isAllowing({ isAllow, receive }: Rule, isPast: boolean): boolean {
  return isAllow && (!isPast || receive?.includesPast === true)
}

/** Takes nothing from somebody who may do everything. */
function isGenerous({ rule }: ViewEntry): boolean {
  return (
    rule.isAllow && rule.maxQos === QOS_2 && rule.publish?.mayRetain !== false && rule.receive?.includesPast !== false
  )
}

function isOfAllow({ rule }: ViewEntry): boolean {
  return rule.isAllow
}
