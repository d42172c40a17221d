/** Quality of service of a message or a subscription [MQTT-3.1.1 §4.3]. */
export type QoS = 0 | 1 | 2

/** Control packet types, as they stand in the high four bits of a packet's first byte [MQTT-3.1.1 §2.2.1]. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const

/** Names of the control packets by type, for logs and errors. */
export const PACKET_NAMES: readonly string[] = ['reserved packet type 0', ...Object.keys(PacketType)]
