/** Why a message was not recorded, each with what it means to a user. A reason is stable: it is a label of metrics. */
export const LEFT_OUT_REASONS = {
  'qos0-topic-rate': 'QoS 0 and its topic had its share of this second (history.qos0PerSecondPerTopic or a rule)',
  'qos0-total-rate': 'QoS 0 and all topics together had their share of this second (history.qos0PerSecond)',
  'total-rate': 'as many messages as may be were recorded in this second (history.maxMessagesPerSecond)',
  'byte-rate': 'as many bytes as may be were recorded in this second (32 MiB)',
  'too-large': 'it was larger than an entry may be (16 MiB, or an eighth of history.maxBytes)',
  'too-many-topics': 'its topic was new, and there were as many topics as the history can have (250,000)',
  'store-behind': 'the disk was slower than the messages came, or it could not be written',
} as const

export type LeftOutReason = keyof typeof LEFT_OUT_REASONS
