// Hot path: `checkFlags` runs per acknowledgement received; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import { MalformedPacketError } from './field-reader.ts'
import { PACKET_NAMES } from './packet-types.ts'

/** Flags that a packet's first byte must have, by type [MQTT-2.2.2-1]; PUBLISH has its own. */
const REQUIRED_FLAGS: readonly number[] = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0]

/** PUBREL, SUBSCRIBE and UNSUBSCRIBE with DUP: in MQTT 3.1, and there alone, what is sent again is marked like PUBLISH (its section 2.1). */
const REPEATED: ReadonlySet<number> = new Set([0x6a, 0x8a, 0xaa])

/** Looks at the flags of a packet that is no PUBLISH. @throws MalformedPacketError when they are wrong for its type [MQTT-2.2.2-2] */
export function checkFlags(first: number, protocolLevel: number): void {
  const type = first >> 4
  if ((first & 0x0f) === REQUIRED_FLAGS[type] || (protocolLevel === 3 && REPEATED.has(first))) return
  throw new MalformedPacketError(`the flags of ${PACKET_NAMES[type]} are ${first & 0x0f}`)
}
