import { GIB, MIB } from '../base/bytes.ts'
import type { Option } from './option.ts'

const MAX_COUNT = 1_000_000_000
const MAX_DAYS = 36_500

/** What is recorded and kept of the messages (`src/history`); part of `OPTIONS`. */
export const HISTORY_OPTIONS = [
  {
    key: 'history.enabled',
    kind: 'boolean',
    default: true,
    summary:
      'Records messages, so that they can be looked up later. When this is switched off, what was recorded stays.',
    needsRestart: true,
  },
  {
    key: 'history.maxBytes',
    kind: 'number',
    unit: 'bytes',
    min: 16 * MIB,
    max: 1024 * GIB,
    default: 2 * GIB,
    summary:
      'How much disk space the whole history may take; the oldest messages go first. With data "memory" it takes at most 64 MiB.',
    needsRestart: true,
  },
  {
    key: 'history.maxDays',
    kind: 'number',
    unit: 'days',
    min: 0.01,
    max: MAX_DAYS,
    default: 7,
    nullMeans: Infinity,
    summary: 'How long a message is kept when no rule says otherwise. null means as long as there is room.',
    needsRestart: true,
  },
  {
    key: 'history.qos0PerSecondPerTopic',
    kind: 'number',
    unit: 'messages',
    min: 0,
    max: MAX_COUNT,
    default: 20,
    summary:
      'QoS 0 messages per second that are recorded of each topic when no rule says otherwise. Retained messages are always recorded. What is left out is counted.',
    needsRestart: true,
  },
  {
    key: 'history.qos0PerSecond',
    kind: 'number',
    unit: 'messages',
    min: 0,
    max: MAX_COUNT,
    default: 2000,
    summary:
      'QoS 0 messages per second that are recorded of all topics together. Raise it for many devices and a fast disk.',
    needsRestart: true,
  },
  {
    key: 'history.maxMessagesPerSecond',
    kind: 'number',
    unit: 'messages',
    min: 1,
    max: MAX_COUNT,
    default: 20_000,
    summary:
      'Messages of any QoS that are recorded per second, so that a flood of QoS 1 costs the hub only a few percent of its speed.',
    needsRestart: true,
  },
  {
    key: 'history.rules',
    kind: 'list',
    itemName: 'rule',
    fields: [
      { key: 'filter', kind: 'filter', isRequired: true },
      { key: 'record', kind: 'boolean' },
      { key: 'maxMessages', kind: 'number', unit: 'messages', min: 1, max: MAX_COUNT, nullMeans: Infinity },
      { key: 'maxBytes', kind: 'number', unit: 'bytes', min: 1024, max: 1024 * GIB, nullMeans: Infinity },
      { key: 'maxDays', kind: 'number', unit: 'days', min: 0.01, max: MAX_DAYS, nullMeans: Infinity },
      { key: 'qos0PerSecond', kind: 'number', unit: 'messages', min: 0, max: MAX_COUNT },
    ],
    default: [],
    summary:
      'Exceptions for the topics under a filter: whether they are recorded, and how much of each topic is kept. The first rule that matches a topic counts.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
