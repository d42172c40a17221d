/**
 * Finds circles in a graph, given as the targets of each node: for each group of nodes that all reach each other, the shortest
 * way from its first node (by name) back to itself.
 */
export function findCircles(targetsByNode: ReadonlyMap<string, readonly string[]>): string[][] {
  const found = new Set<string>()
  const circles: string[][] = []
  for (const node of [...targetsByNode.keys()].toSorted()) {
    if (found.has(node)) continue
    const circle = wayBack(targetsByNode, node)
    if (circle === undefined) continue
    circles.push(circle)
    for (const member of circle) found.add(member)
  }
  return circles
}

/** Breadth first, so that the circle that is told is the one to cut. */
function wayBack(targetsByNode: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const ways: string[][] = [[start]]
  const seen = new Set<string>()
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const target of targetsByNode.get(way.at(-1) ?? start) ?? []) {
      if (target === start) return [...way, start]
      if (seen.has(target)) continue
      seen.add(target)
      ways.push([...way, target])
    }
  }
  return undefined
}
