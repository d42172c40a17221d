/**
 * Why a delivery did not happen, each with what it means to a user. A reason is stable: it is a label of metrics and
 * stands in logs.
 */
export const DROP_REASONS = {
  offline: 'QoS 0 and the client of the kept session is not connected',
  'output-full': 'QoS 0 and the client has not taken what it was sent before (limits.maxOutputBytes)',
  'queue-full': 'the queue of the client was full: the oldest message gave way, or the newest (limits.queuePolicy)',
  replaced: 'QoS 0 and a newer message of its topic came before the client had caught up (limits.outputPolicy)',
  expired: 'it waited in the queue for longer than it may (limits.maxMessageExpirySeconds)',
  damaged: 'the store could not read it back: its disk or its file is faulty',
  'connection-lost': 'QoS 0 and the connection ended before the system had taken it',
  'too-large': 'it was larger than its client takes (Maximum Packet Size of MQTT 5)',
  rejected: 'the client answered it with an error (PUBACK or PUBREC of MQTT 5)',
  'session-ended': 'the session ended before the client had acknowledged it',
} as const

export type DropReason = keyof typeof DROP_REASONS
