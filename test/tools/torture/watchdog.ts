// Kills the hubs of a runner that died: it is told of each hub's start ("+pid") and end ("-pid"), and of the runner's own
// end by the end of its input.
import { createInterface } from 'node:readline'

const pids = new Set<number>()
const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  const pid = Number(line.slice(1))
  if (line.startsWith('+')) pids.add(pid)
  else pids.delete(pid)
})
input.on('close', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
})
// Ctrl-C in a terminal reaches the whole group; what is to be done is done when the runner has gone.
process.on('SIGINT', () => undefined)
