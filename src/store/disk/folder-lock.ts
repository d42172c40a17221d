import { closeSync, fstatSync, openSync, realpathSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { HubbubError } from '../../base/errors.ts'

const SOCKET_NAME = 'hub.sock'
const ANSWER_MS = 2000

/**
 * Lets only one hub at a time use a data folder. The lock is a socket in the folder on which only a living process can answer, so
 * that one left behind by a killed hub is told from one in use, also between containers that share the folder. A cleaner of temporary
 * files may delete it: then it is made again within a second (`keep`), and on Linux there is a second one without a file, named after
 * the folder's inode, which all processes of a network namespace see.
 */
export class FolderLock {
  readonly #folder: string
  #sockets: Sockets

  private constructor(folder: string, sockets: Sockets) {
    this.#folder = folder
    this.#sockets = sockets
  }

  /** @throws HubbubError `STORE_LOCKED`, naming the process that uses the folder; `STORE_UNUSABLE` */
  static async take(folder: string): Promise<FolderLock> {
    return new FolderLock(folder, await openSockets(folder))
  }

  /** To be called about every second: makes what was deleted again, be it the file or the folder. @throws HubbubError as `take` */
  async keep(): Promise<void> {
    const sockets = this.#sockets
    const inode = inodeOf(this.#folder)
    if (inode === undefined) return
    if (inode !== sockets.folderInode) {
      this.#sockets = await openSockets(this.#folder)
      await closeSockets(sockets)
    } else if (sockets.hasFile && inodeOf(sockets.path) === undefined) {
      await closed(sockets.file)
      this.#sockets = { ...sockets, file: await listen(sockets.path, this.#folder) }
    }
  }

  release(): Promise<void> {
    return closeSockets(this.#sockets)
  }
}

interface Sockets {
  readonly folderInode: number | undefined
  readonly folderHandle: number | undefined
  readonly path: string
  /** There is none of a named pipe. */
  readonly hasFile: boolean
  readonly file: Server
  readonly abstract: Server | undefined
}

async function openSockets(folder: string): Promise<Sockets> {
  // A socket's path may have 107 bytes, the folder's any number.
  const folderHandle = process.platform === 'linux' ? openSync(folder, 'r') : undefined
  const path = folderHandle === undefined ? socketPath(folder) : `/proc/self/fd/${folderHandle}/${SOCKET_NAME}`
  let abstract: Server | undefined
  try {
    if (folderHandle !== undefined) abstract = await listen(abstractName(folderHandle), folder)
    const file = await listen(path, folder)
    const hasFile = process.platform !== 'win32'
    return { folderInode: inodeOf(folder), folderHandle, path, hasFile, file, abstract }
  } catch (error) {
    if (abstract !== undefined) await closed(abstract)
    if (folderHandle !== undefined) closeSync(folderHandle)
    throw error
  }
}

async function closeSockets({ file, abstract, folderHandle }: Sockets): Promise<void> {
  await closed(file)
  if (abstract !== undefined) await closed(abstract)
  if (folderHandle !== undefined) closeSync(folderHandle)
}

async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
}

/** The same for each path that leads to the folder, and gone with its process. */
function abstractName(folderHandle: number): string {
  const { dev, ino } = fstatSync(folderHandle, { bigint: true })
  return `\0hubbub-${dev}-${ino}`
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

function socketPath(folder: string): string {
  if (process.platform !== 'win32') return join(folder, SOCKET_NAME)
  return `\\\\.\\pipe\\hubbub-${createHash('sha256').update(realpathSync(folder)).digest('hex')}`
}

async function listen(path: string, folder: string): Promise<Server> {
  for (let isStaleGone = false; ; isStaleGone = true) {
    const result = await tryListen(path)
    if (typeof result !== 'string') return result
    if (result !== 'EADDRINUSE') {
      throw new HubbubError(
        'STORE_UNUSABLE',
        `Cannot lock the data folder ${folder}: it must be on a local disk, the system says ${result}`,
      )
    }
    const owner = await ownerOf(path)
    if (owner !== undefined || isStaleGone) {
      const text = `Cannot use the data folder ${folder}: only one hub may use it at a time, process ${owner ?? 'unknown'} is using it`
      throw new HubbubError('STORE_LOCKED', `${text}; stop that process or choose another folder with --data`)
    }
    if (!path.startsWith('\0')) unlinkSync(path)
  }
}

/** The server, or the code of the error that prevents it. */
function tryListen(path: string): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.end(String(process.pid))
    })
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(path, () => {
      // It alone is no reason for the process to live.
      server.unref()
      resolve(server)
    })
  })
}

/** The process that answers on the socket, or undefined when none does any more. */
function ownerOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy()
      resolve('unknown')
    })
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', () => resolve(undefined))
  })
}
