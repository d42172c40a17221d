/**
 * Why a delivery did not happen, each with what it means to a user. A reason is stable: it is a label of metrics and
 * stands in logs.
 */
export const DROP_REASONS = {
  offline: 'QoS 0, and the client of a kept session was not connected',
  'output-full': 'QoS 0, and the client was too slow: it had not taken what was sent before (limits.maxOutputBytes)',
  'queue-full':
    'the queue of the client was full: the oldest or the newest message was dropped (limits.maxQueuedMessages, limits.maxQueuedBytes, limits.queuePolicy)',
  'no-memory':
    'there was no memory for it beside all that the hub holds: the client was away or too slow (limits.memory)',
  replaced:
    'QoS 0, and a newer message of the topic came before the client had caught up (limits.maxOutputBytes, limits.outputPolicy)',
  expired: 'it waited for longer than allowed (its Message Expiry Interval, limits.maxMessageExpirySeconds)',
  damaged: 'the store could not read it back: the disk or the file is faulty',
  'connection-lost': 'QoS 0, and the connection ended before the operating system took it',
  'too-large': 'it was larger than its client accepts (Maximum Packet Size of MQTT 5)',
  rejected: 'the client refused it (PUBACK or PUBREC of MQTT 5 with an error)',
  'not-allowed': 'the access rules do not let the client have it (access.rules)',
  'session-ended': 'the session ended before the client acknowledged it',
} as const

export type DropReason = keyof typeof DROP_REASONS
