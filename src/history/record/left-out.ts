/** Why a message was not recorded, each with what it means to a user. A reason is stable: it is a label of metrics. */
export const LEFT_OUT_REASONS = {
  'qos0-topic-rate':
    'it was QoS 0, and its topic had used up its rate for this second (history.qos0PerSecondPerTopic or a rule)',
  'qos0-topic-byte-rate':
    'it was QoS 0 and over 1 KiB, and such messages of its topic had used up their bytes (history.qos0BytesPerSecondPerTopic)',
  'qos0-total-rate':
    'it was QoS 0, and all topics together had used up their rate for this second (history.qos0PerSecond)',
  'qos0-byte-rate':
    'it was QoS 0 and over 1 KiB, and such messages of all topics had used up their bytes for this second (history.qos0BytesPerSecond)',
  'total-rate': 'the limit of recorded messages per second was reached (history.maxMessagesPerSecond)',
  'byte-rate': 'the limit of recorded bytes per second was reached (32 MiB)',
  'too-large': 'it was larger than an entry can be (16 MiB, or an eighth of history.maxBytes)',
  'too-many-topics': 'its topic was new, and the history had its maximum of topics (250,000)',
  'no-memory':
    'its topic was new, or much was not stored yet, and there was no memory for it beside all that the hub holds (limits.memory)',
  'store-behind': 'the disk was too slow for the messages, or it could not be written',
} as const

export type LeftOutReason = keyof typeof LEFT_OUT_REASONS
