/** The topics of the conventions in README.md, and nothing else: a page in a browser may import this file. */

/** The topics of one device. */
export interface DeviceTopics {
  /** Retained: what kind of device it is, what it sends and which commands it takes. */
  readonly about: string
  /** Retained: "online", "asleep" or "offline". */
  readonly status: string
  /** What it measures, again and again. */
  readonly telemetry: string
  /** Retained: what it is set to. */
  readonly state: string
  /** What happened, once for each. */
  readonly event: string
  /** The filter of all its commands. */
  readonly commands: string
}

export function deviceTopics(id: string): DeviceTopics {
  const base = `devices/${id}`
  return {
    about: `${base}/about`,
    status: `${base}/status`,
    telemetry: `${base}/telemetry`,
    state: `${base}/state`,
    event: `${base}/event`,
    commands: `${base}/cmd/+`,
  }
}

/** The topic of one command of a device. */
export function commandTopic(id: string, command: string): string {
  return `devices/${id}/cmd/${command}`
}

/** The name of the command that a topic stands for, or undefined if it is not a command of this device. */
export function commandOf(id: string, topic: string): string | undefined {
  const prefix = `devices/${id}/cmd/`
  return topic.startsWith(prefix) ? topic.slice(prefix.length) : undefined
}

/** Filters of one channel of all devices. */
export const DEVICE_FILTERS = {
  about: 'devices/+/about',
  status: 'devices/+/status',
  telemetry: 'devices/+/telemetry',
  state: 'devices/+/state',
  event: 'devices/+/event',
} as const

/** The device and the channel that a topic belongs to, or undefined if it belongs to no device. */
export function deviceOf(topic: string): { readonly id: string; readonly channel: string } | undefined {
  const [root, id, channel, ...more] = topic.split('/')
  if (root !== 'devices' || id === undefined || channel === undefined || more.length > 0) return undefined
  return { id, channel }
}

/** The room where everybody talks. */
export const LOBBY = 'chat/lobby'
