import { createHub, type Hub, type HubOptions } from '../../../src/hub.ts'
import type { Faults } from './faults.ts'

/** A hub in this process, whose ledger can be read, with what it logged as a warning or worse. */
export interface HubInside {
  readonly hub: Hub
  readonly port: number
  readonly warnings: readonly string[]
}

export async function startHubInside(config: NonNullable<HubOptions['config']>): Promise<HubInside> {
  const warnings: string[] = []
  const warn = (fields: object, text: string): void => {
    warnings.push(`${text} ${JSON.stringify(fields)}`)
  }
  const log = { debug: () => undefined, info: () => undefined, warn, error: warn }
  const hub = await createHub({ log, config: { host: '127.0.0.1', port: 0, httpPort: 0, ...config } })
  return { hub, port: hub.addresses.mqtt.port, warnings }
}

/** Checks the ledger's identity: each delivery that was due was made, is pending, or was dropped for a reason. */
export function checkLedger({ ledger, pendingMessages }: Hub, faults: Faults): void {
  const { matched, delivered, droppedTotal } = ledger
  if (matched === delivered + pendingMessages + droppedTotal) return
  faults.add(
    'ledger open',
    `${matched} matched, ${delivered} delivered, ${pendingMessages} pending, ${droppedTotal} dropped`,
  )
}
