import type { Kind } from './kind.ts'
import type { ProtocolVersion } from './network/connection.ts'
import type { About } from './payloads.ts'
import type { DeviceTopics } from './topics.ts'

/** What a device says of itself in `about`. */
export function announce(kind: Kind, id: string, name: string, protocol: ProtocolVersion): About {
  const { telemetry, state, event, rooms } = kind
  const commands = Object.entries(kind.commands).map(
    ([command, { title, parameters, result }]): [string, About['commands'][string]] => [
      command,
      { title, parameters: { ...parameters }, result: { ...result } },
    ],
  )
  return {
    id,
    kind: kind.name,
    name,
    protocol,
    ...(telemetry === undefined ? {} : { telemetry: announceTelemetry(telemetry) }),
    ...(state === undefined ? {} : { state: { schema: { ...state } } }),
    ...(event === undefined ? {} : { event: { schema: { ...event } } }),
    commands: Object.fromEntries(commands),
    ...(rooms === undefined ? {} : { rooms: [...rooms] }),
  }
}

function announceTelemetry({
  qos,
  contentType,
  schema,
}: NonNullable<Kind['telemetry']>): NonNullable<About['telemetry']> {
  return { qos, contentType, ...(schema === undefined ? {} : { schema: { ...schema } }) }
}

/** A retained message that makes a device known to Home Assistant, or undefined for a kind that has nothing for it. */
export function homeAssistantDiscovery(
  kind: Kind,
  id: string,
  name: string,
  topics: DeviceTopics,
): { readonly topic: string; readonly payload: string } | undefined {
  const components = kind.homeAssistant?.(topics)
  if (components === undefined) return undefined
  const payload = {
    device: { identifiers: [id], name, manufacturer: 'Hubbub', model: kind.name },
    origin: { name: 'Hubbub devices' },
    // Home Assistant takes a device for gone until it reads the word for available, and a device may be asleep just then.
    availability: [{ topic: topics.status, value_template: "{{ 'offline' if value == 'offline' else 'online' }}" }],
    components: Object.fromEntries(
      Object.entries(components).map(([key, component]) => [key, { unique_id: `${id}-${key}`, ...component }]),
    ),
  }
  return { topic: `homeassistant/device/${id}/config`, payload: JSON.stringify(payload) }
}
