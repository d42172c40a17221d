import type { Api, ApiParts } from '../parts.ts'
import { getAddresses, listMishaps } from '../schemas/mishaps.ts'

/** `mishaps` and `addresses`: for who connects something for the first time. */
export function mishapsRoute(app: Api, { admin, callers, address: httpAddress }: ApiParts): void {
  app.route({
    ...listMishaps,
    handler: (request) =>
      Promise.resolve({
        mishaps: callers
          .seenBy(request)
          .admin.lastMishaps.toReversed()
          .map(({ atMs, kind, address, clientId, reason }) => ({
            atMs: Math.round(atMs),
            kind,
            address,
            clientId: clientId ?? null,
            reason,
          })),
      }),
  })

  app.route({
    ...getAddresses,
    handler: () => {
      const { mqtt, listeners } = admin.status.addresses()
      const isMqttEncrypted = listeners.some(({ kind, port }) => kind === 'mqtts' && port === mqtt.port)
      return Promise.resolve({ mqtt: { ...mqtt }, isMqttEncrypted, http: { ...httpAddress() } })
    },
  })
}
