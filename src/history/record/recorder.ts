// Hot path: `offer` and `offerRun` run per message of the hub; measured by `npm run bench`, all throughput rows.
import type { Clock } from '../../base/clock.ts'
import { Message } from '../../protocol/message.ts'
import type { TopicTag } from '../../router/tap.ts'
import type { LeftOutReason } from './left-out.ts'
import type { Journal } from './journal.ts'
import type { HistoryRules } from './rules.ts'
import type { HistoryTopic } from './topics.ts'

/** How much is recorded per second, and how large an entry may be. */
export interface RecordLimits {
  readonly qos0PerSecond: number
  readonly qos0BytesPerSecond: number
  readonly qos0BytesPerSecondPerTopic: number
  readonly maxMessagesPerSecond: number
  readonly maxEntryBytes: number
}

const MAX_BYTES_PER_SECOND = 32 * 1024 ** 2
/** QoS 0 messages of more bytes share a rate of bytes; how many smaller ones there may be is said already. */
const LARGE_FROM_BYTES = 1024
/** How far ahead of its bytes a topic may be, so that several large messages at once are recorded. */
const TOPIC_LEAD_MS = 1000
/** Tags of topics of which nothing is recorded, and none at QoS 0; else a tag is the number of the topic. */
const UNRECORDED = -1
const UNRECORDED_AT_QOS_0 = -2

/**
 * Chooses which messages are recorded: all at QoS 1 and 2, all that are retained, and at QoS 0 up to a rate for each topic and a
 * total rate. It counts those it leaves out. A message that is left out because of a total costs a few comparisons.
 */
export class Recorder {
  readonly leftOut = noneLeftOut()
  recorded = 0
  readonly #journal: Journal
  readonly #rules: HistoryRules
  readonly #limits: RecordLimits
  readonly #clock: Clock
  /** Stands for each message of a run in turn. */
  readonly #single = new Message()
  #second = 0
  #secondEndsMs = 0
  #qos0InSecond = 0
  #qos0BytesInSecond = 0
  #messagesInSecond = 0
  #bytesInSecond = 0

  constructor(journal: Journal, rules: HistoryRules, limits: RecordLimits, clock: Clock) {
    this.#journal = journal
    this.#rules = rules
    this.#limits = limits
    this.#clock = clock
  }

  offer(message: Message, tag: TopicTag): void {
    const isShared = message.qos === 0 && !message.retain
    const reason = this.#leavesOut(isShared, message.packetBytes)
    if (reason !== undefined) {
      this.leftOut[reason]++
      return
    }
    const topic = this.#topicOf(message, tag, isShared)
    if (topic === undefined) return
    if (isShared && this.#shareOf(topic) <= 0) this.#leaveOutOfTopic(topic, 1)
    else if (isShared && this.#isAheadOfBytes(topic, message)) this.#leaveOutOfTopic(topic, 1, 'qos0-topic-byte-rate')
    else this.#record(topic, message, isShared)
  }

  offerRun(run: Message, tag: TopicTag): void {
    if (this.#isShareUsedUp(run.count)) return
    const topic = this.#topicOf(run, tag, true)
    if (topic === undefined) return
    let share = this.#shareOf(topic)
    let left = run.count
    for (let at = run.start; at < run.end && share > 0;) {
      at = this.#single.takeFromRun(run, at)
      const reason = this.#leavesOut(true, this.#single.packetBytes)
      if (reason === 'too-large' || reason === 'qos0-byte-rate') {
        this.leftOut[reason]++
      } else if (reason === undefined && this.#isAheadOfBytes(topic, this.#single)) {
        this.#leaveOutOfTopic(topic, 1, 'qos0-topic-byte-rate')
      } else if (reason === undefined) {
        this.#record(topic, this.#single, true)
        share--
      } else {
        this.leftOut[reason] += left
        return
      }
      left--
    }
    if (left > 0) this.#leaveOutOfTopic(topic, left)
  }

  /** Counts a whole run when QoS 0 has used up its rate. */
  #isShareUsedUp(count: number): boolean {
    const reason = this.#leavesOut(true, 0)
    if (reason !== undefined) this.leftOut[reason] += count
    return reason !== undefined
  }

  #record(topic: HistoryTopic, message: Message, isShared: boolean): void {
    if (isShared) {
      this.#qos0InSecond++
      if (message.packetBytes > LARGE_FROM_BYTES) this.#countLarge(topic, message.packetBytes)
      topic.qos0InSecond++
    }
    this.#messagesInSecond++
    this.#bytesInSecond += message.packetBytes
    this.recorded++
    const { turnMs, correctedByMs, lifetimesAheadMs } = this.#clock
    const { expiresAtMs } = message
    // Entries have all their times by the wall clock, in whole ms.
    if (expiresAtMs !== 0) message.expiresAtMs = Math.floor(expiresAtMs + correctedByMs - lifetimesAheadMs)
    this.#journal.append(this.#journal.live, topic, Math.floor(turnMs + correctedByMs), message)
    message.expiresAtMs = expiresAtMs
  }

  #countLarge(topic: HistoryTopic, bytes: number): void {
    this.#qos0BytesInSecond += bytes
    const takesMs = (bytes / this.#limits.qos0BytesPerSecondPerTopic) * 1000
    topic.largeUntilMs = Math.max(topic.largeUntilMs, this.#clock.turnMs) + takesMs
  }

  /** The message is large, and the topic has recorded more of large ones than its bytes until now. */
  #isAheadOfBytes(topic: HistoryTopic, message: Message): boolean {
    return message.packetBytes > LARGE_FROM_BYTES && topic.largeUntilMs > this.#clock.turnMs + TOPIC_LEAD_MS
  }

  #leaveOutOfTopic(topic: HistoryTopic, count: number, reason: LeftOutReason = 'qos0-topic-rate'): void {
    topic.leftOut += count
    this.leftOut[reason] += count
  }

  /** Why a message cannot be recorded, whatever its topic; `isShared`: it counts towards the rates of QoS 0. */
  #leavesOut(isShared: boolean, packetBytes: number): LeftOutReason | undefined {
    if (this.#clock.turnMs >= this.#secondEndsMs) this.#beginSecond()
    const { qos0PerSecond, qos0BytesPerSecond, maxMessagesPerSecond, maxEntryBytes } = this.#limits
    if (isShared && this.#qos0InSecond >= qos0PerSecond) return 'qos0-total-rate'
    if (isShared && packetBytes > LARGE_FROM_BYTES && this.#qos0BytesInSecond >= qos0BytesPerSecond)
      return 'qos0-byte-rate'
    if (this.#messagesInSecond >= maxMessagesPerSecond) return 'total-rate'
    if (packetBytes > maxEntryBytes) return 'too-large'
    if (this.#bytesInSecond + packetBytes > MAX_BYTES_PER_SECOND) return 'byte-rate'
    if (this.#journal.isBehind) return 'store-behind'
    if (!this.#journal.isShort) return undefined
    this.#journal.memory.refuse()
    return 'no-memory'
  }

  #beginSecond(): void {
    this.#second = Math.floor(this.#clock.turnMs / 1000)
    this.#secondEndsMs = (this.#second + 1) * 1000
    this.#qos0InSecond = 0
    this.#qos0BytesInSecond = 0
    this.#messagesInSecond = 0
    this.#bytesInSecond = 0
  }

  /** The topic of the message; undefined when a rule leaves it out, or there are too many topics, which is counted. */
  #topicOf(message: Message, tag: TopicTag, isShared: boolean): HistoryTopic | undefined {
    const { value } = tag
    if (value === UNRECORDED) return undefined
    if (value === UNRECORDED_AT_QOS_0 && isShared) {
      this.leftOut['qos0-topic-rate'] += message.count
      return undefined
    }
    return (value > 0 ? this.#journal.topics.byNumber(value) : undefined) ?? this.#enter(message, tag, isShared)
  }

  /** The same for a topic that has no tag, or none that says it. */
  #enter(message: Message, tag: TopicTag, isShared: boolean): HistoryTopic | undefined {
    const { topic: name, count } = message
    const known = this.#journal.topics.get(name)
    const { isRecorded, qos0PerSecond } = known?.terms ?? this.#rules.termsOf(name)
    if (!isRecorded) {
      tag.value = UNRECORDED
      return undefined
    }
    if (known === undefined && isShared && qos0PerSecond === 0) {
      tag.value = UNRECORDED_AT_QOS_0
      this.leftOut['qos0-topic-rate'] += count
      return undefined
    }
    const topic = known ?? this.#journal.topicNamed(name)
    if (topic === undefined) this.leftOut[this.#journal.isFull ? 'too-many-topics' : 'no-memory'] += count
    else tag.value = topic.number
    return topic
  }

  /** QoS 0 messages of the topic that may still be recorded in this second. */
  #shareOf(topic: HistoryTopic): number {
    if (topic.second !== this.#second) {
      topic.second = this.#second
      topic.qos0InSecond = 0
    }
    return topic.terms.qos0PerSecond - topic.qos0InSecond
  }
}

function noneLeftOut(): Record<LeftOutReason, number> {
  return {
    'qos0-topic-rate': 0,
    'qos0-topic-byte-rate': 0,
    'qos0-total-rate': 0,
    'qos0-byte-rate': 0,
    'total-rate': 0,
    'byte-rate': 0,
    'too-large': 0,
    'too-many-topics': 0,
    'no-memory': 0,
    'store-behind': 0,
  }
}
