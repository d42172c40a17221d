// Control packets of MQTT 3.1.1 as a client sends them: what Aedes is told in the name of a client of MQTT 5.
import type { ConnectPacket } from './connect-packet.ts'
import { packet } from './packet.ts'
import { PacketType } from './packet-types.ts'

/** CONNECT with the same client identifier, will and credentials; what 3.1.1 does not know is left out. */
export function encodeConnect(connect: ConnectPacket, clientId: string): Buffer {
  const { isClean, will, password } = connect
  // 3.1.1 has no password without a user name [MQTT-3.1.2-22].
  const userName = connect.userName ?? (password === undefined ? undefined : '')
  const willFlags = will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0)
  const credentialFlags = (userName === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const fields: Buffer[] = [
    Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, (isClean ? 2 : 0) | willFlags | credentialFlags, 0, 0]),
  ]
  fields.push(field(Buffer.from(clientId)))
  if (will !== undefined) fields.push(field(Buffer.from(will.topic)), field(will.payload))
  if (userName !== undefined) fields.push(field(Buffer.from(userName)))
  if (password !== undefined) fields.push(field(password))
  return packet(PacketType.CONNECT << 4, fields)
}

function field(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(bytes.length >>> 8, bytes.length & 0xff), bytes])
}
