import type { Kind } from './kind.ts'
import { lamp } from './kinds/lamp.ts'
import { thermostat } from './kinds/thermostat.ts'

/** Every kind there is, by its word in scenarios. */
export const KINDS: ReadonlyMap<string, Kind> = new Map([thermostat, lamp].map((kind: Kind) => [kind.name, kind]))
