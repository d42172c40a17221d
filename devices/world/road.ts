/** A place on earth, in degrees. */
export interface Place {
  readonly latitude: number
  readonly longitude: number
}

/** A ring road with its bends, about 15 km around. */
const CORNERS: readonly Place[] = [
  [59.4202, 24.741],
  [59.4251, 24.7523],
  [59.4298, 24.7561],
  [59.4347, 24.7702],
  [59.4339, 24.7891],
  [59.4288, 24.8057],
  [59.4219, 24.8112],
  [59.4171, 24.8254],
  [59.4102, 24.8203],
  [59.4067, 24.8031],
  [59.4011, 24.7952],
  [59.3998, 24.7741],
  [59.4049, 24.7627],
  [59.4121, 24.7589],
  [59.4158, 24.7452],
].map(([latitude = 0, longitude = 0]) => ({ latitude, longitude }))

const METRES_PER_DEGREE = 111_320

/** A piece of the road, straight. */
interface Leg {
  readonly from: Place
  readonly to: Place
  readonly fromMetres: number
  readonly metres: number
}

const LEGS: readonly Leg[] = measureLegs()
export const ROAD_METRES = LEGS.reduce((sum, { metres }) => sum + metres, 0)

/** Where one is after so many metres along the road, around and around, and which way one looks (0 is north, 90 east). */
export function alongRoad(metres: number): Place & { readonly heading: number } {
  const onRing = ((metres % ROAD_METRES) + ROAD_METRES) % ROAD_METRES
  const leg = LEGS.findLast(({ fromMetres }) => fromMetres <= onRing) ?? firstLeg()
  const share = (onRing - leg.fromMetres) / leg.metres
  const { from, to } = leg
  const eastMetres = metresEast(from, to)
  const northMetres = (to.latitude - from.latitude) * METRES_PER_DEGREE
  return {
    latitude: from.latitude + (to.latitude - from.latitude) * share,
    longitude: from.longitude + (to.longitude - from.longitude) * share,
    heading: ((Math.atan2(eastMetres, northMetres) * 180) / Math.PI + 360) % 360,
  }
}

/** A place that is some metres off. */
export function offBy({ latitude, longitude }: Place, northMetres: number, eastMetres: number): Place {
  return {
    latitude: latitude + northMetres / METRES_PER_DEGREE,
    longitude: longitude + eastMetres / (METRES_PER_DEGREE * Math.cos((latitude * Math.PI) / 180)),
  }
}

/** How far two places that are near each other are apart. */
export function metresBetween(a: Place, b: Place): number {
  return Math.hypot(metresEast(a, b), (b.latitude - a.latitude) * METRES_PER_DEGREE)
}

function metresEast(from: Place, to: Place): number {
  return (to.longitude - from.longitude) * METRES_PER_DEGREE * Math.cos((from.latitude * Math.PI) / 180)
}

function measureLegs(): Leg[] {
  let fromMetres = 0
  return CORNERS.map((from, index) => {
    const to = CORNERS[(index + 1) % CORNERS.length] ?? from
    const leg = { from, to, fromMetres, metres: metresBetween(from, to) }
    fromMetres += leg.metres
    return leg
  })
}

function firstLeg(): Leg {
  const [first] = LEGS
  if (first === undefined) throw new Error('the road has no legs')
  return first
}
