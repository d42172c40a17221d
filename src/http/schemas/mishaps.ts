import { Type } from 'typebox'
import { MISHAPS } from '../../observe/mishap-kinds.ts'
import { orNull, TimeMs } from './fields.ts'
import { answers, route } from './route.ts'

const KINDS = Object.entries(MISHAPS).map(([kind, meaning]) => `${kind}: ${meaning}`)

const Mishap = Type.Object({
  atMs: TimeMs,
  kind: Type.String({ description: `${KINDS.join('; ')}.` }),
  address: Type.String({ description: 'Of the peer, or `the hub itself`.' }),
  clientId: orNull(Type.String()),
  reason: Type.String(),
})

const Address = Type.Object({ host: Type.String(), port: Type.Integer() })

export const listMishaps = route('GET', '/mishaps', 'operator', {
  summary: 'The last 50 connections that were refused or ended because of an error, the newest first',
  tags: ['mishaps'],
  response: answers('What went wrong.', Type.Object({ mishaps: Type.Array(Mishap) })),
})

export const getAddresses = route('GET', '/addresses', 'viewer', {
  summary: 'Where the hub listens: MQTT over TCP, and HTTP with MQTT over WebSocket at /mqtt',
  tags: ['mishaps'],
  response: answers(
    'The addresses.',
    Type.Object({
      mqtt: Address,
      isMqttEncrypted: Type.Boolean({ description: 'The address for MQTT is for TLS only.' }),
      http: Address,
    }),
  ),
})
