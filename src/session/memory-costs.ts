/** What things of clients take, about; most of it on the JavaScript heap. */
export const CONNECTION_BYTES = 4000
export const SESSION_BYTES = 2000
const SUBSCRIPTION_BYTES = 400

/** A subscription to a filter of so many characters: the filter stands in several maps, in part by its levels. */
export function subscriptionBytes(filter: string): number {
  return SUBSCRIPTION_BYTES + 2 * filter.length
}

/** A session besides its subscriptions. */
export function sessionBytes(clientId: string): number {
  return SESSION_BYTES + 2 * clientId.length
}
