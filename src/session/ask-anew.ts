import { subscribeDenial } from '../auth/denial.ts'
import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { SubscriptionReport } from './client-report.ts'
import type { Permissions } from './permissions.ts'
import type { Session } from './session.ts'

/**
 * Asks about each subscription of a session that was granted by other rules, or to another way of its client to the hub: ends those that
 * are not granted any more and lowers the QoS of others. There may be very many; until all were asked about, each message is looked at.
 * @param isLive the client is told when nothing is left: it has a connection that goes on
 */
export function askAnew(session: Session, permissions: Permissions, isLive: boolean): void {
  const { subscriptions, denials } = session
  const before = subscriptions.size
  if (before === 0) return
  permissions.isFiltering = true
  const left: Iterator<SubscriptionReport, void, undefined> = subscriptions.report()
  TURN.repeat(LoopPart.CONTROL, () => {
    // The rules have changed again, or the session has ended.
    if (session.permissions !== permissions || session.isEnded) return false
    const next = left.next()
    if (next.done === true) {
      permissions.askedAll()
      if (isLive && subscriptions.size === 0) tellNothingLeft(session)
      return false
    }
    const { filter, ...options } = next.value
    const verdict = permissions.subscribe(filter, false)
    if (verdict.extent === 'none') {
      denials.note('subscribe', filter, subscribeDenial(verdict, filter))
      subscriptions.remove(filter)
    } else if (verdict.maxQos < options.qos) {
      subscriptions.add(filter, { ...options, qos: verdict.maxQos })
    }
    return true
  })
}

/** A client of MQTT 5 is told by DISCONNECT; one of 3.1.1 would only come again and again. */
function tellNothingLeft({ connection }: Session): void {
  if (connection?.explainsFailures !== true) return
  connection.close('the access rules have changed and take all its subscriptions', ReasonCode.NOT_AUTHORIZED)
}
