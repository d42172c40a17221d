// Bare Aedes on TCP with its defaults: what the hub embeds, as a control.
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { announce } from './announce.ts'

const broker = await Aedes.createBroker()
const server = createServer({ noDelay: true }, (socket) => {
  broker.handle(socket)
})
announce(server)
