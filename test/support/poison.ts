import { onTestFinished, vi } from 'vitest'
import type { Transport, TransportOwner } from '../../src/connection/transport.ts'
import { TcpTransport } from '../../src/listeners/tcp-transport.ts'
import { WebSocketTransport } from '../../src/listeners/websocket-transport.ts'
import { Blocks } from '../../src/protocol/blocks.ts'

/** What memory is filled with that nobody may read any more. */
export const POISON = 0xee

/**
 * Until the test ends, memory that is about to be used again is useless at once: a chunk when `received` returns, a block when the
 * last of its users has released it.
 */
export function poisonMemory(): void {
  for (const kind of [TcpTransport, WebSocketTransport]) {
    const attach = kind.prototype.attach
    spyUntilTheEnd(kind.prototype, function (this: Transport, owner) {
      attach.call(this, poisoning(owner))
    })
  }
  // oxlint-disable-next-line typescript/unbound-method -- it is called with the `this` of the call that it stands for
  const { release } = Blocks.prototype
  const releases = vi.spyOn(Blocks.prototype, 'release').mockImplementation(function (this: Blocks, block) {
    release.call(this, block)
    if (block.uses === 0) block.bytes.fill(POISON)
  })
  onTestFinished(() => releases.mockRestore())
}

function spyUntilTheEnd(prototype: Transport, attach: (this: Transport, owner: TransportOwner) => void): void {
  const spy = vi.spyOn(prototype, 'attach').mockImplementation(attach)
  onTestFinished(() => spy.mockRestore())
}

function poisoning(owner: TransportOwner): TransportOwner {
  return {
    received(chunk) {
      owner.received(chunk)
      chunk.fill(POISON)
    },
    takeTurn: (maxBytes) => owner.takeTurn(maxBytes),
    taken: () => owner.taken(),
    closed: (error) => owner.closed(error),
  }
}
