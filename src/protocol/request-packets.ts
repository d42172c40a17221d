// Control packets of MQTT 3.1.1 as a client sends them: what Aedes is told in the name of a client.
import { packet } from './packet.ts'
import { PacketType } from './packet-types.ts'

/** CONNECT that says who comes and whether its session is kept, and nothing else: no credentials, no will. */
export function encodeConnect(clientId: string, isClean: boolean): Buffer {
  const bytes = Buffer.from(clientId)
  const head = [0, 4, 0x4d, 0x51, 0x54, 0x54, 4, isClean ? 2 : 0, 0, 0, bytes.length >>> 8, bytes.length & 0xff]
  return packet(PacketType.CONNECT << 4, [Buffer.from(head), bytes])
}
