// Hot path: `mayPublish` runs per PUBLISH of a client with rules, `mayReceive` per message to one whose subscriptions take in more
// than is allowed; measured by `npm run bench`, rows "rules".
import type { PublishVerdict, SubscribeVerdict, View } from '../auth/view.ts'
import { filterOfHistory, isHistoryFilter } from '../protocol/history-filter.ts'
import type { Message } from '../protocol/message.ts'
import { matchedFilter } from '../protocol/shared-filter.ts'
import type { TopicNumber, TopicRecords } from '../topics/topic-records.ts'

/** Topics of which one client's verdicts are remembered; most clients publish to a few. */
const MAX_PUBLISHED = 256
const MAX_RECEIVED = 1024

/** A verdict about publishing, in bits: allowed, the highest QoS, RETAIN. */
const ALLOWED = 1
const QOS_SHIFT = 1
const QOS_BITS = 3
const RETAIN = 8
/** A verdict and, above its bits, which record of the topic it is about. */
const VERDICTS = 16
/** Messages that are looked at before the loop may go on with others. */
const LOOKS_IN_A_ROW = 64

/** Whether messages of a topic may be received: also through a filter with wildcards, or only by who names the topic. */
type Receivable = 'always' | 'by-name' | 'never'

interface Names {
  has(name: string): boolean
}

/** Told of what a client asks for, once for each topic and filter: not once a message. */
export interface PermissionObserver {
  published(message: Message, isAllowed: boolean): void
  /** `filter`: without `$share/…` and `$history/…`. */
  subscribed(filter: string, isAllowed: boolean): void
}

/** What one client may do by the rules in force; made anew when they change, or the client comes by another way. */
export class Permissions {
  readonly view: View
  /** A subscription takes in what may not be received, or may do so: each message is looked at. */
  isFiltering = false
  /** One was granted that does. */
  #isPartial = false
  readonly #records: TopicRecords
  readonly #published = new Map<TopicNumber, number>()
  readonly #names: Names
  readonly #observer: PermissionObserver | undefined
  readonly #received = new Map<string, Receivable>()
  #lastTopic: TopicNumber = 0
  #lastBorn = 0
  #lastVerdict = 0

  /** `names`: the filters that the client subscribes to, some of which are names of topics. */
  constructor(view: View, names: Names, records: TopicRecords, observer?: PermissionObserver) {
    this.view = view
    this.#names = names
    this.#observer = observer
    this.#records = records
  }

  /** Whether a message, or a run of them, may be published. Its topic was resolved last. */
  mayPublish(message: Message, topic: TopicNumber): boolean {
    const born = this.#records.born(topic)
    if (topic !== this.#lastTopic || born !== this.#lastBorn) {
      this.#lastVerdict = this.#verdictOn(message, topic, born)
      this.#lastTopic = topic
      this.#lastBorn = born
    }
    const verdict = this.#lastVerdict
    if ((verdict & ALLOWED) === 0 || message.qos > ((verdict >> QOS_SHIFT) & QOS_BITS)) return false
    return !message.retain || (verdict & RETAIN) !== 0
  }

  /** It is known already that plain messages at QoS 0 may be published. */
  isGranted(topic: TopicNumber): boolean {
    const born = this.#records.born(topic)
    if (topic === this.#lastTopic && born === this.#lastBorn) return (this.#lastVerdict & ALLOWED) !== 0
    const known = this.#published.get(topic)
    return known !== undefined && isAbout(known, born) && (known & ALLOWED) !== 0
  }

  /** Whether a message may be received now. */
  mayReceive({ topic }: Message): boolean {
    const known = this.#received.get(topic) ?? this.#askAbout(topic)
    return known === 'always' || (known === 'by-name' && this.#names.has(topic))
  }

  #askAbout(topic: string): Receivable {
    if (this.#received.size === MAX_RECEIVED) this.#received.clear()
    const { view } = this
    const answer = view.receive(topic).isAllowed ? 'always' : view.receive(topic, true).isAllowed ? 'by-name' : 'never'
    this.#received.set(topic, answer)
    return answer
  }

  /** What is granted of the filter of a subscription, shared or with the past or not. `isNew`: what was said before is asked for too. */
  subscribe(filter: string, isNew: boolean): SubscribeVerdict {
    const isPast = isHistoryFilter(filter)
    const asked = isPast ? filterOfHistory(filter) : matchedFilter(filter)
    const verdict = this.view.subscribe(asked, isPast && isNew)
    this.#observer?.subscribed(asked, verdict.extent !== 'none')
    if (verdict.extent === 'some') {
      this.#isPartial = true
      this.isFiltering = true
    }
    return verdict
  }

  /** All subscriptions were asked about: from now on messages are looked at only where that is needed. */
  askedAll(): void {
    this.isFiltering = this.#isPartial
  }

  /** Those of retained messages, or of the past, that may be received; undefined is a pause of the loop, as in `messages`. */
  *allowedOf(
    messages: Iterator<Message | undefined>,
    isPast: boolean,
  ): Generator<Message | undefined, void, undefined> {
    let looked = 0
    for (let { done, value } = messages.next(); done !== true; { done, value } = messages.next()) {
      const may = value !== undefined && (isPast ? this.#mayReceivePast(value) : this.mayReceive(value))
      if (may) yield value
      else if (value === undefined || ++looked % LOOKS_IN_A_ROW === 0) yield undefined
    }
  }

  #mayReceivePast({ topic }: Message): boolean {
    const { isAllowed, includesPast } = this.view.receive(topic)
    return isAllowed && includesPast
  }

  #verdictOn(message: Message, topic: TopicNumber, born: number): number {
    const known = this.#published.get(topic)
    if (known !== undefined && isAbout(known, born)) return known % VERDICTS
    if (this.#published.size === MAX_PUBLISHED) this.#published.clear()
    const verdict = bitsOf(this.view.publish(message.topic))
    this.#observer?.published(message, (verdict & ALLOWED) !== 0)
    this.#published.set(topic, (born >>> 0) * VERDICTS + verdict)
    return verdict
  }
}

function isAbout(known: number, born: number): boolean {
  return Math.floor(known / VERDICTS) === born >>> 0
}

function bitsOf({ isAllowed, maxQos, mayRetain }: PublishVerdict): number {
  return isAllowed ? ALLOWED | (maxQos << QOS_SHIFT) | (mayRetain ? RETAIN : 0) : 0
}
