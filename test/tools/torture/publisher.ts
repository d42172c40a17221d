// A process of publishers: its job as JSON in argv, orders on stdin, answers on stdout.
import { serve } from './child-side.ts'
import { Faults } from './faults.ts'
import type { PublisherJob } from './orders.ts'
import { PublishingClient } from './publishing-client.ts'
import { Random } from './random.ts'

const { port, seed, publishers, pace }: PublisherJob = JSON.parse(process.argv[2] ?? '')
const random = new Random(seed)
const faults = new Faults()
const clients = publishers.map((plan) => new PublishingClient(port, plan, pace, random, faults))

serve({
  finish() {
    for (const client of clients) client.finish()
  },
  drop() {
    for (const { client } of clients) client.drop()
  },
  progress: () => ({
    kind: 'progress',
    isReady: true,
    sent: sum(clients.map(({ sentMessages }) => sentMessages)),
    outstanding: sum(clients.map(({ outstandingMessages }) => outstandingMessages)),
    received: 0,
    connects: sum(clients.map(({ client }) => client.connects)),
  }),
  report: () => ({
    kind: 'report',
    published: clients.map((client) => client.report()),
    received: [],
    faults: faults.byKind,
  }),
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
