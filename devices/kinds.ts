import type { Kind } from './kind.ts'
import { air } from './kinds/air.ts'
import { bot } from './kinds/bot.ts'
import { camera } from './kinds/camera.ts'
import { door } from './kinds/door.ts'
import { flaky } from './kinds/flaky.ts'
import { lamp } from './kinds/lamp.ts'
import { meter } from './kinds/meter.ts'
import { thermostat } from './kinds/thermostat.ts'
import { tracker } from './kinds/tracker.ts'

const ALL: readonly Kind[] = [thermostat, lamp, door, meter, tracker, camera, air, bot, flaky]

/** Every kind there is, by its word in scenarios. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(ALL.map((kind) => [kind.name, kind]))
