import type { Message } from './message.ts'

/**
 * Where a bridge of Mosquitto says whether it is there: retained 1 when it has connected, and 0 by its will. It is the only topic under
 * `$SYS` on which a client may speak, about itself.
 */
function bridgeStateTopic(clientId: string): string {
  return `$SYS/broker/connection/${clientId}/state`
}

/** Whether a client says its own state with a message. */
export function isBridgeState({ retain, publisher, topic }: Message): boolean {
  return retain && publisher !== undefined && topic === bridgeStateTopic(publisher)
}
