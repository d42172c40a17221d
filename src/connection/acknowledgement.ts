// Hot path: runs per acknowledgement received; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import { readAcknowledgement } from '../protocol/acknowledgement-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { PACKET_NAMES, PacketType } from '../protocol/packet-types.ts'
import type { Session } from '../session/session.ts'

/** Takes a PUBACK, PUBREC, PUBREL or PUBCOMP into its session. @throws MalformedPacketError */
export function takeAcknowledgement(
  session: Session,
  type: number,
  bytes: Buffer,
  bodyStart: number,
  end: number,
  isVersion5: boolean,
  { ledger, log }: { readonly ledger: Ledger; readonly log: Log },
): void {
  let reasonCode = 0
  if (end - bodyStart !== 2) {
    if (!isVersion5) throw new MalformedPacketError(`${PACKET_NAMES[type]} is not two bytes long`)
    reasonCode = readAcknowledgement(type, bytes, bodyStart, end)
  }
  ledger.otherReceived++
  const packetId = ((bytes[bodyStart] ?? 0) << 8) | (bytes[bodyStart + 1] ?? 0)
  if (packetId === 0) throw new MalformedPacketError(`${PACKET_NAMES[type]} with packet identifier 0`)
  let isKnown = true
  if (type === PacketType.PUBACK) isKnown = session.outgoing.acknowledge(packetId, reasonCode)
  else if (type === PacketType.PUBREC) isKnown = session.outgoing.release(packetId, reasonCode)
  else if (type === PacketType.PUBCOMP) isKnown = session.outgoing.complete(packetId)
  else session.incoming.receiveRelease(packetId)
  // A late answer after a reconnect is no fault of the client's [MQTT5 §4.3], so it is noted and nothing more.
  if (!isKnown) log.debug({ clientId: session.clientId, packetId, type }, 'acknowledgement of nothing in flight')
}
