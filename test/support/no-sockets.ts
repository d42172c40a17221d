import { Server, Socket } from 'node:net'

/** Set up for the project `unit`, whose tests open no socket: one that does belongs to `hub`. */
function refuse(): never {
  throw new Error('Cannot open a socket: this is a unit test; take its file out of UNIT in test/vitest.config.ts')
}

Server.prototype.listen = refuse
Socket.prototype.connect = refuse
