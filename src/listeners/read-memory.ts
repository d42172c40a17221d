import { Socket } from 'node:net'

/**
 * The memory that all connections of the process are read into, one after the other. Node would make a buffer for each read, and V8
 * would collect all of the heap for their bytes alone.
 */
export const READ_MEMORY = Buffer.allocUnsafeSlow(65_536)

/** Whether this Node lets us say where a socket is read into that a server has accepted. */
export const canChooseMemory = tryOut()

/**
 * Takes over an accepted socket, to be read into what `room` gives for each read; `read` is told how many bytes there are, which
 * are valid until it returns, and false of it stops reading until `resume`. Nothing is read before the first `resume`.
 *
 * Node documents `onread` of sockets and has no way to say it for accepted ones: the handle is moved to a socket of ours, as
 * `net.Server` itself makes its own. Undefined: there is no handle to move, and the accepted socket is as it was.
 */
export function readInto(accepted: Socket, room: () => Buffer, read: (bytes: number) => boolean): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, '_handle')
  if (typeof handle !== 'object' || handle === null) return undefined
  const socket = socketOver(handle, room, read)
  // The server counts its connections by this.
  const server: unknown = Reflect.get(accepted, '_server')
  Reflect.set(socket, '_server', server)
  Reflect.set(accepted, '_server', null)
  Reflect.set(accepted, '_handle', null)
  return socket
}

function socketOver(handle: object, room: () => Buffer, read: (bytes: number) => boolean): Socket {
  const options = { handle, manualStart: true, allowHalfOpen: false, onread: { buffer: room, callback: read } }
  return new Socket(options)
}

/** Looks whether a socket of ours takes a handle and tells it our memory. */
function tryOut(): boolean {
  const memory = Buffer.alloc(1)
  let given: unknown
  const handle = {
    useUserBuffer(buffer: unknown) {
      given = buffer
    },
  }
  try {
    const socket = socketOver(
      handle,
      () => memory,
      () => true,
    )
    return Reflect.get(socket, '_handle') === handle && given === memory
  } catch {
    return false
  }
}
