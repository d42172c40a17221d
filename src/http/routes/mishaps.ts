import { Type } from 'typebox'
import { MISHAPS } from '../../observe/mishaps.ts'
import type { Api, ApiParts } from '../parts.ts'
import { answers, TimeMs } from '../schemas.ts'

const KINDS = Object.entries(MISHAPS).map(([kind, meaning]) => `${kind}: ${meaning}`)

const Mishap = Type.Object({
  atMs: TimeMs,
  kind: Type.String({ description: `${KINDS.join('; ')}.` }),
  address: Type.String({ description: 'Of the peer.' }),
  clientId: Type.Union([Type.String(), Type.Null()]),
  reason: Type.String(),
})

const Address = Type.Object({ host: Type.String(), port: Type.Integer() })

/** `mishaps` and `addresses`: for who connects something for the first time. */
export function mishapsRoute(app: Api, { admin, address: httpAddress }: ApiParts): void {
  app.get(
    '/mishaps',
    {
      schema: {
        summary: 'The last 50 connections that were refused or ended for a fault of theirs, the newest first',
        tags: ['mishaps'],
        response: answers('What went wrong.', Type.Object({ mishaps: Type.Array(Mishap) })),
      },
    },
    () =>
      Promise.resolve({
        mishaps: admin.mishaps.last.toReversed().map(({ atMs, kind, address, clientId, reason }) => ({
          atMs: Math.round(atMs),
          kind,
          address,
          clientId: clientId ?? null,
          reason,
        })),
      }),
  )

  app.get(
    '/addresses',
    {
      schema: {
        summary: 'Where the hub listens: MQTT over TCP, and HTTP with MQTT over WebSocket at /mqtt',
        tags: ['mishaps'],
        response: answers('The addresses.', Type.Object({ mqtt: Address, http: Address })),
      },
    },
    () => {
      const { mqtt } = admin.status.addresses()
      return Promise.resolve({ mqtt: { ...mqtt }, http: { ...httpAddress() } })
    },
  )
}
