import { Socket } from 'node:net'

/**
 * The memory that all connections of the process are read into, one after the other. Node would make a buffer for each read, and V8
 * would collect all of the heap for their bytes alone.
 */
export const READ_MEMORY = Buffer.allocUnsafeSlow(65_536)

/** Where a socket keeps what Node documents as the option `onread`. */
interface ReadFields {
  /** What is read into next. */
  readonly memory: symbol
  /** What gives it. */
  readonly room: symbol
  readonly read: symbol
}

const FIELDS = findFields()

/** Whether this Node lets us say where a socket is read into that a server has accepted. */
export const canChooseMemory = FIELDS !== undefined

/**
 * Has an accepted socket that is paused read into what `room` gives for each read; `read` is told how many bytes there are, which
 * are valid until it returns, and false of it stops reading until `resume`.
 *
 * Node documents `onread` of sockets and has no way to say it for accepted ones. A second socket that takes over the handle would
 * do, and cost a twelfth of a connection that comes and goes. False: this Node has it elsewhere, and the socket is as it was.
 */
export function readInto(socket: Socket, room: () => Buffer, read: (bytes: number) => boolean): boolean {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (FIELDS === undefined || !takesMemory(handle)) return false
  const memory = room()
  Reflect.set(socket, FIELDS.memory, memory)
  Reflect.set(socket, FIELDS.room, room)
  Reflect.set(socket, FIELDS.read, read)
  handle.useUserBuffer(memory)
  return true
}

interface Handle {
  useUserBuffer(memory: Buffer): void
}

function takesMemory(handle: unknown): handle is Handle {
  return typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle
}

/** Looks where a socket that is told by option keeps it; all others have the same fields, empty. */
function findFields(): ReadFields | undefined {
  const memory = Buffer.alloc(1)
  const room = (): Buffer => memory
  const given: unknown[] = []
  const handle = { useUserBuffer: (buffer: unknown) => given.push(buffer) }
  try {
    const options = { handle, manualStart: true, allowHalfOpen: false, onread: { buffer: room, callback: readOn } }
    const told = new Socket(options)
    const untold = new Socket()
    const fieldOf = (value: unknown): symbol | undefined =>
      Object.getOwnPropertySymbols(untold).find(
        (field) => Reflect.get(told, field) === value && Reflect.get(untold, field) === null,
      )
    const fields = { memory: fieldOf(memory), room: fieldOf(room), read: fieldOf(readOn) }
    return given[0] === memory && isWhole(fields) ? fields : undefined
  } catch {
    return undefined
  }
}

function readOn(): boolean {
  return true
}

function isWhole(fields: Partial<Record<keyof ReadFields, symbol | undefined>>): fields is ReadFields {
  return fields.memory !== undefined && fields.room !== undefined && fields.read !== undefined
}
