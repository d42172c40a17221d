// A process of subscribers: its job as JSON in argv, orders on stdin, answers on stdout.
import { serve } from './child-side.ts'
import { Faults } from './faults.ts'
import type { SubscriberJob } from './orders.ts'
import { Random } from './random.ts'
import { ReceivingClient } from './receiving-client.ts'

const { port, seed, subscribers, qosByPublisher }: SubscriberJob = JSON.parse(process.argv[2] ?? '')
const random = new Random(seed)
const faults = new Faults()
const clients = subscribers.map((plan) => new ReceivingClient(port, plan, qosByPublisher, random, faults))

serve({
  finish() {
    for (const client of clients) client.finish()
  },
  drop() {
    for (const { client } of clients) client.drop()
  },
  progress: () => ({
    kind: 'progress',
    isReady: clients.every(({ isSubscribed }) => isSubscribed),
    sent: 0,
    outstanding: 0,
    received: sum(clients.map(({ receivedMessages }) => receivedMessages)),
    connects: sum(clients.map(({ client }) => client.connects)),
  }),
  report: () => ({
    kind: 'report',
    published: [],
    received: clients.map((client) => client.report()),
    faults: faults.byKind,
  }),
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
