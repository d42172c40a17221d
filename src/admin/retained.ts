import type { Published } from './messages.ts'
import { HubbubError } from '../base/errors.ts'
import { LoopPart } from '../base/loop-times.ts'
import { PageBudget } from '../base/page-budget.ts'
import { Slices } from '../base/slices.ts'
import { TextSearch } from '../base/text-search.ts'
import type { Message } from '../protocol/message.ts'
import type { Router } from '../router/router.ts'
import { isReservedTopic } from '../topics/reserved-topics.ts'
import type { Publisher } from './publisher.ts'
import type { Sight } from './sight.ts'
import type { Undo } from './undo.ts'

/** Messages taken away, or put back, between two looks at whether the turn is used up. */
const SLICE_MESSAGES = 50

/** What was deleted, or would be. */
export interface Deletion {
  readonly messages: readonly Message[]
  /** Of their packets. */
  readonly bytes: number
  readonly canUndo: boolean
  /** By what it can be put back, and for how long; undefined when nothing was deleted, or it was too much. */
  readonly undo: { readonly token: string; readonly validMs: number } | undefined
}

/** Which retained messages are wanted. */
export interface RetainedQuery {
  readonly filter: string
  /** In upper or lower case. */
  readonly text: string | undefined
  /** The topic behind which the page begins. */
  readonly after: string | undefined
  readonly limit: number
  /** How much of each payload will be shown, and so counts for the size of the page. */
  readonly shownBytes: number
}

export interface RetainedPage {
  readonly messages: readonly Message[]
  /** The topic behind which it goes on; undefined at the end. */
  readonly last: string | undefined
  /** False: the page ended because enough was looked at, or is on it, before its limit or the end. */
  readonly isComplete: boolean
}

/** What people see of retained messages, and do to them. */
export class Retained {
  readonly #router: Router
  readonly #publisher: Publisher
  readonly #undo: Undo
  /** Of who may not do everything. */
  readonly #sight: Sight | undefined
  #counted = { count: 0, bytes: 0 }

  constructor(router: Router, publisher: Publisher, undo: Undo, sight?: Sight) {
    this.#router = router
    this.#publisher = publisher
    this.#undo = undo
    this.#sight = sight
  }

  /** Of who does not see all: at the last `countAnew`. */
  get count(): number {
    return this.#sight === undefined ? this.#router.retained.count : this.#counted.count
  }

  get bytes(): number {
    return this.#sight === undefined ? this.#router.retained.bytes : this.#counted.bytes
  }

  /** Counts those that are seen. */
  async countAnew(): Promise<void> {
    if (this.#sight === undefined) return
    const slices = new Slices(LoopPart.HTTP)
    const counted = { count: 0, bytes: 0 }
    for (const bytes of this.#router.retained.sizes(this.#sight.shows)) {
      if (bytes === undefined) {
        await slices.pause()
        continue
      }
      counted.count++
      counted.bytes += bytes
    }
    this.#counted = counted
  }

  /** @throws HubbubError `ACCESS_DENIED` */
  get(topic: string): Message | undefined {
    this.#sight?.checkReceive(topic)
    return this.#router.retained.get(topic)
  }

  /**
   * Those under a valid filter whose topic or payload has the text, in the order of their topics (`SortedNames`), which does not
   * change when messages come and go.
   */
  async page({ filter, text, after, limit, shownBytes }: RetainedQuery): Promise<RetainedPage> {
    const slices = new Slices(LoopPart.HTTP)
    const isOwn = isReservedTopic(filter)
    const budget = new PageBudget()
    const search = searchOf(text)
    const messages: Message[] = []
    let last: string | undefined
    for (const message of isOwn
      ? this.#own(filter, after)
      : this.#router.retained.matching(filter, after, this.#sight?.shows)) {
      if (message === undefined) {
        budget.search()
        await slices.pause()
        continue
      }
      const isFull = messages.length === limit
      // A page does not end before there is a topic behind which the next one can continue.
      if (last !== undefined && (isFull || budget.isUsedUp)) return { messages, last, isComplete: isFull }
      last = message.topic
      budget.look(message.payloadBytes)
      if (isFound(message, search)) {
        messages.push(message)
        budget.show(message.topic.length + Math.min(message.payloadBytes, shownBytes))
      }
      // To copy a large one, or to look into it, takes long.
      await slices.pause()
    }
    return { messages, last: undefined, isComplete: true }
  }

  /** What the hub retains of itself, which is no more than some hundred. */
  #own(filter: string, after: string | undefined): readonly Message[] {
    const all = [...this.#router.retained.matching(filter, after, this.#sight?.shows)].filter(
      (message) => message !== undefined,
    )
    return all.toSorted((one, other) => (one.topic < other.topic ? -1 : 1))
  }

  /**
   * Takes away the retained messages under a valid filter, as an empty retained message does for each: subscribers get that.
   * Resolves when that is stored.
   * @throws HubbubError `TOPIC_RESERVED`: what the hub says of itself is true for as long as it runs; and as `Publisher.publish`
   */
  async delete(filter: string, text: string | undefined, isDryRun: boolean): Promise<Deletion> {
    if (isReservedTopic(filter)) {
      const reason = 'they are what the hub says of itself'
      throw new HubbubError(
        'TOPIC_RESERVED',
        `Cannot delete the retained messages under ${JSON.stringify(filter)}: ${reason}`,
      )
    }
    const { messages, bytes } = await this.#gather(filter, text)
    const found = { messages, bytes, canUndo: this.#undo.takes(bytes) }
    if (isDryRun || messages.length === 0) return { ...found, undo: undefined }
    const undo = this.#undo.keep(messages, bytes)
    const slices = new Slices(LoopPart.HTTP)
    for (let at = 0; at < messages.length; at += SLICE_MESSAGES) {
      await slices.pause()
      const slice = messages.slice(at, at + SLICE_MESSAGES).filter(({ topic }) => this.#router.retained.has(topic))
      await Promise.all(slice.map(({ topic }) => this.#publisher.publish(topic, '', { qos: 1, retain: true })))
    }
    return { ...found, undo }
  }

  /**
   * Publishes again what was deleted, except where the topic has got another message since, there is no room any more, or who asks may
   * not do so. Undefined
   * when the token is not, or no longer, good for anything.
   */
  async putBack(token: string): Promise<{ readonly restored: number; readonly skipped: number } | undefined> {
    const messages = this.#undo.take(token)
    if (messages === undefined) return undefined
    const { retained } = this.#router
    const slices = new Slices(LoopPart.HTTP)
    let restored = 0
    for (let at = 0; at < messages.length; at += SLICE_MESSAGES) {
      await slices.pause()
      const slice: Promise<Published>[] = []
      for (const message of messages.slice(at, at + SLICE_MESSAGES)) {
        if (retained.has(message.topic) || this.#router.retainedLimitFor(message) !== undefined) continue
        if (this.#sight?.mayDelete(message.topic) === false) continue
        slice.push(this.#publisher.publishMessage(message))
      }
      restored += (await Promise.all(slice)).length
    }
    return { restored, skipped: messages.length - restored }
  }

  async #gather(filter: string, text: string | undefined): Promise<{ messages: Message[]; bytes: number }> {
    const slices = new Slices(LoopPart.HTTP)
    const search = searchOf(text)
    const messages: Message[] = []
    let bytes = 0
    for (const message of this.#router.retained.matching(filter, undefined, this.#sight?.mayDelete)) {
      if (message === undefined || text !== undefined) await slices.pause()
      if (message === undefined || !isFound(message, search)) continue
      messages.push(message)
      bytes += message.packetBytes
    }
    return { messages, bytes }
  }
}

function isFound({ topic, payload }: Message, search: TextSearch | undefined): boolean {
  return search === undefined || search.isIn(topic) || search.isInPayload(payload)
}

function searchOf(text: string | undefined): TextSearch | undefined {
  return text === undefined ? undefined : new TextSearch(text)
}
