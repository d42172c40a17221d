import { closeSync, openSync, realpathSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { HubbubError } from '../../base/errors.ts'

const SOCKET_NAME = 'hub.sock'
const ANSWER_MS = 2000

/**
 * Lets only one hub at a time use a data folder. The lock is a socket in the folder on which only a living process can answer, so
 * that one left behind by a killed hub is told from one in use, also between containers that share the folder.
 */
export class FolderLock {
  readonly #server: Server
  readonly #folderHandle: number | undefined

  private constructor(server: Server, folderHandle: number | undefined) {
    this.#server = server
    this.#folderHandle = folderHandle
  }

  /** @throws HubbubError `STORE_LOCKED`, naming the process that uses the folder; `STORE_UNUSABLE` */
  static async take(folder: string): Promise<FolderLock> {
    const isLinux = process.platform === 'linux'
    // A socket's path may have 107 bytes, the folder's any number.
    const handle = isLinux ? openSync(folder, 'r') : undefined
    const path = handle === undefined ? socketPath(folder) : `/proc/self/fd/${handle}/${SOCKET_NAME}`
    try {
      return new FolderLock(await listen(path, folder), handle)
    } catch (error) {
      if (handle !== undefined) closeSync(handle)
      throw error
    }
  }

  async release(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
    if (this.#folderHandle !== undefined) closeSync(this.#folderHandle)
  }
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
    unlinkSync(path)
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
