import { GIB, KIB, MIB } from '../../base/bytes.ts'
import type { Option } from '../option.ts'
import { BOOLEAN, bytes, number, orUnlimited, whole } from '../schema.ts'

const MAX_COUNT = 1_000_000_000
const MAX_DAYS = 36_500

const RULES = {
  type: 'array',
  items: {
    type: 'object',
    title: 'rule',
    properties: {
      filter: {
        type: 'string',
        // A topic filter of MQTT [MQTT-4.7.1-2] [MQTT-4.7.1-3].
        pattern: '^(?=[^])(?:(?:\\+|[^+#/\\0]*)/)*(?:#|\\+|[^+#/\\0]*)$',
        wanted: 'a topic filter such as "devices/#"',
      },
      record: BOOLEAN,
      maxMessages: orUnlimited(whole(1, MAX_COUNT)),
      maxBytes: orUnlimited(bytes(KIB, 1024 * GIB)),
      maxDays: orUnlimited(number(0.01, MAX_DAYS)),
      qos0PerSecond: whole(0, MAX_COUNT),
    },
    required: ['filter'],
  },
} as const

/** What is recorded and kept of the messages. */
export const HISTORY_OPTIONS = [
  {
    key: 'history.enabled',
    schema: BOOLEAN,
    default: true,
    summary:
      'Records messages, so that they can be looked up later. When this is switched off, what was recorded stays.',
    needsRestart: true,
  },
  {
    key: 'history.maxBytes',
    schema: bytes(16 * MIB, 1024 * GIB),
    default: 2 * GIB,
    summary:
      'How much disk space the whole history may take. When it is full, the topics that take most of it lose their oldest messages. With data "memory" it takes at most 64 MiB.',
    needsRestart: true,
  },
  {
    key: 'history.maxDays',
    schema: orUnlimited(number(0.01, MAX_DAYS)),
    default: 7,
    summary: 'How long a message is kept when no rule says otherwise. null means as long as there is room.',
    needsRestart: true,
  },
  {
    key: 'history.qos0PerSecondPerTopic',
    schema: whole(0, MAX_COUNT),
    default: 20,
    summary:
      'QoS 0 messages per second that are recorded of each topic when no rule says otherwise. Retained messages are always recorded. What is left out is counted.',
    needsRestart: true,
  },
  {
    key: 'history.qos0PerSecond',
    schema: whole(0, MAX_COUNT),
    default: 2000,
    summary:
      'QoS 0 messages per second that are recorded of all topics together. Raise it for many devices and a fast disk.',
    needsRestart: true,
  },
  {
    key: 'history.qos0BytesPerSecond',
    schema: bytes(0, GIB),
    default: 2 * MIB,
    summary:
      'Bytes per second of QoS 0 messages over 1 KiB that are recorded of all topics together: a large payload costs more to record than to deliver. The message that passes the limit is still recorded.',
    needsRestart: true,
  },
  {
    key: 'history.qos0BytesPerSecondPerTopic',
    schema: bytes(KIB, GIB),
    default: 64 * KIB,
    summary:
      "Bytes per second of QoS 0 messages over 1 KiB that are recorded of each topic: of a camera with pictures of 256 KiB, one every few seconds. A second's worth may come at once. What is left out is counted; at QoS 1, or retained, all are recorded.",
    needsRestart: true,
  },
  {
    key: 'history.maxMessagesPerSecond',
    schema: whole(1, MAX_COUNT),
    default: 20_000,
    summary:
      'Messages of any QoS that are recorded per second, so that a flood of QoS 1 costs the hub only a few percent of its speed.',
    needsRestart: true,
  },
  {
    key: 'history.rules',
    schema: RULES,
    default: [],
    summary:
      'Exceptions for the topics under a filter: whether they are recorded, and how much of each topic is kept. The first rule that matches a topic counts.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
