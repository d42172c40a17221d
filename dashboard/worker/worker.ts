import { KeptPayloads } from './kept.ts'
import { Link } from './link.ts'
import { compare, look, numberIn } from './payload.ts'
import { readAnnounced, readPast } from './past.ts'
import type { BatchEntry, FromWorker, ToWorker } from './protocol.ts'

/** What a hidden page lets gather; more is counted and let go, history has it. */
const MAX_GATHERED = 20_000

/** Of a payload that is no longer kept. */
const GONE = { rows: [], left: 0 }

const kept = new KeptPayloads()
let gathered: BatchEntry[] = []
let overflow = 0
/** The page has asked for a batch, and there was nothing yet. */
let isWanted = false

const link = new Link((entry) => {
  if (gathered.length >= MAX_GATHERED && entry.kind === 'arrived') overflow++
  else gathered.push(entry)
  if (isWanted) hand()
}, kept)

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case 'connect':
      link.connect(data.url, data.clientId)
      break
    case 'try-now':
      link.tryNow()
      break
    case 'hold':
      link.hold(data.isHeld)
      break
    case 'watch':
      link.watch(data.filter)
      break
    case 'publish':
      link.publish(data.message)
      break
    case 'frame':
      isWanted = true
      if (gathered.length > 0) hand()
      break
    case 'past':
      void readPast(data.url, kept).then((past) => say({ kind: 'past', request: data.request, past }))
      break
    case 'announcement':
      void readAnnounced(data.url).then((announcement) =>
        say({ kind: 'announced', request: data.request, announcement }),
      )
      break
    case 'show-own':
      say({ kind: 'shown-own', request: data.request, arrived: link.arrivedOf(data.message, data.atMs) })
      break
    case 'look':
      void sayLooked(data)
      break
    case 'compare':
      void sayCompared(data)
      break
    case 'series': {
      const values = data.ids.map((id) => numberIn(kept.get(id), data.path))
      say({ kind: 'series', request: data.request, values })
      break
    }
  }
})

async function sayLooked({ request, id, view }: Extract<ToWorker, { readonly kind: 'look' }>): Promise<void> {
  const payload = await kept.whole(id)
  say({ kind: 'looked', request, ...(payload === undefined ? GONE : look(payload, view)) })
}

async function sayCompared({ request, id, beforeId }: Extract<ToWorker, { readonly kind: 'compare' }>): Promise<void> {
  const [payload, before] = await Promise.all([kept.whole(id), kept.whole(beforeId)])
  const isGone = payload === undefined || before === undefined
  say({ kind: 'looked', request, ...(isGone ? GONE : compare(payload, before)) })
}

function hand(): void {
  isWanted = false
  const entries = gathered
  gathered = []
  if (overflow > 0) entries.push({ kind: 'overflow', messages: overflow })
  overflow = 0
  say({ kind: 'batch', entries })
}

function say(message: FromWorker): void {
  postMessage(message)
}
