import { publishDenial } from '../auth/denial.ts'
import type { Identity } from '../auth/identity.ts'
import type { ReceiveVerdict, View } from '../auth/view.ts'
import { HubbubError } from '../base/errors.ts'
import { filterOfHistory, isHistoryFilter } from '../protocol/history-filter.ts'
import type { Message } from '../protocol/message.ts'
import { matchedFilter } from '../protocol/shared-filter.ts'
import type { ClientReport } from '../session/client-report.ts'

/** Topics whose verdict is remembered: a list asks about the same ones again and again. */
const MAX_KNOWN = 20_000

/** What one person, who may not do everything, sees of the hub and may do to it. Lists show less; what is asked for by name is refused. */
export class Sight {
  readonly user: string | undefined
  readonly #view: View
  readonly #known = new Map<string, ReceiveVerdict>()

  constructor({ user }: Identity, view: View) {
    this.user = user
    this.#view = view
  }

  /** Whether messages of a topic may be seen in a list. */
  readonly shows = (topic: string): boolean => this.#verdictOn(topic).isAllowed

  /** Whether what was said on a topic before may be seen. */
  readonly showsPast = (topic: string): boolean => {
    const { isAllowed, includesPast } = this.#verdictOn(topic)
    return isAllowed && includesPast
  }

  /** Whether messages of a topic that is asked for by its name may be seen. */
  showsNamed(topic: string): boolean {
    return this.#view.receive(topic, true).isAllowed
  }

  /** Whether the retained message of a topic may be deleted, or put back. */
  readonly mayDelete = (topic: string): boolean => {
    const { isAllowed, mayRetain } = this.#view.publish(topic)
    return isAllowed && mayRetain && this.shows(topic)
  }

  /** @throws HubbubError `ACCESS_DENIED` naming the rule */
  checkPublish({ topic, qos, retain }: Message): void {
    const denial = publishDenial(this.#view.publish(topic), qos, retain)
    if (denial !== undefined) throw accessDenied(`publish to ${JSON.stringify(topic)}`, denial)
  }

  /** @throws HubbubError `ACCESS_DENIED` */
  checkReceive(topic: string): void {
    if (!this.showsNamed(topic))
      throw accessDenied(`show ${JSON.stringify(topic)}`, 'no access rule lets you receive it')
  }

  /** Whether it may be seen what a client subscribes to: one would be granted the same. */
  readonly showsFilter = (filter: string): boolean => {
    const asked = isHistoryFilter(filter) ? filterOfHistory(filter) : matchedFilter(filter)
    return this.#view.subscribe(asked, false).extent !== 'none'
  }

  /** What is shown of a client: of others nothing that tells of topics which are not seen. */
  clientOf(client: ClientReport): ClientReport {
    const { user, connection, lastError, lastDenial } = client
    if (user !== undefined && user === this.user) return client
    const will = connection?.will
    return {
      ...client,
      connection: connection && {
        ...connection,
        will: will !== undefined && this.shows(will.topic) ? will : undefined,
      },
      // A sentence may name topics.
      lastError: lastError && { ...lastError, reason: 'you may not see what it was' },
      lastDenial: lastDenial !== undefined && this.shows(lastDenial.topic) ? lastDenial : undefined,
    }
  }

  #verdictOn(topic: string): ReceiveVerdict {
    let known = this.#known.get(topic)
    if (known === undefined) {
      if (this.#known.size === MAX_KNOWN) this.#known.clear()
      known = this.#view.receive(topic)
      this.#known.set(topic, known)
    }
    return known
  }
}

function accessDenied(verb: string, denial: string): HubbubError {
  return new HubbubError('ACCESS_DENIED', `Cannot ${verb}: ${denial}`)
}
