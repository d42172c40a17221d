// Hot path: `take` runs for each chunk of messages; measured by `npm run bench`, rows "100 topics each".

/** How much of each payload is kept. */
export const KEPT_PAYLOAD_BYTES = 512
const SLAB_BYTES = 256 * 1024
/** Together 4 MiB. A topic that is published to before they are all used again costs no more than its share of a copied chunk. */
const SLABS = 16

/** Whose last payload lies in a slab. */
export interface PayloadOwner {
  /** The slab is to be used again: take out what you still have in it. */
  moveOut(slab: Slab): void
}

/** A piece of memory for the payloads of many topics. */
export class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
  readonly owners: PayloadOwner[] = []
  usedBytes = 0
}

/**
 * Where the last payload of each topic lies until the topic has another, or until its memory is needed for those of others. A
 * string for each would be made in vain for most: topics that are published to often are seldom looked at.
 */
export class LastPayloads {
  readonly #slabs: Slab[] = [new Slab()]
  #current = 0

  /** A slab with room for `bytes` from `usedBytes` on; at most 64 KiB. The caller adds to `usedBytes` what it takes. */
  take(bytes: number): Slab {
    const slab = this.#slabs[this.#current]
    if (slab !== undefined && slab.usedBytes + bytes <= SLAB_BYTES) return slab
    return this.#next()
  }

  #next(): Slab {
    this.#current = (this.#current + 1) % SLABS
    const slab = this.#slabs[this.#current]
    if (slab === undefined) {
      const added = new Slab()
      this.#slabs.push(added)
      return added
    }
    for (const owner of slab.owners) owner.moveOut(slab)
    slab.owners.length = 0
    slab.usedBytes = 0
    return slab
  }
}
