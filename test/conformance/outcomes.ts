import { expect } from 'vitest'
import { until } from '../support/guard.ts'
import { PINGREQ } from '../support/packets.ts'
import { connectRawClient, openRawClient } from '../support/raw-client.ts'
import type { Version } from '../support/received-packet.ts'
import { startHub } from '../support/start-hub.ts'

/** Steps of tests that try one packet after the other, and look what becomes of the connection each time. */

/** What becomes of a connection; a number is the reason code with which the hub ended it. */
export type Outcome = number | 'goes on' | 'ends without a word'

export interface Case {
  readonly name: string
  /** A CONNECT is sent by a stranger, anything else by a client. */
  readonly bytes: Buffer
  readonly expected: readonly Outcome[]
}

/** Sends a client's packet, and a PINGREQ, which is answered where the connection goes on. */
async function outcomeOf(port: number, version: Version, bytes: Buffer): Promise<Outcome> {
  const isConnect = (bytes[0] ?? 0) >> 4 === 1
  const properties = version === 5 ? [] : undefined
  const client = isConnect
    ? await openRawClient(port, version)
    : await connectRawClient(port, { clientId: 'offender', properties })
  client.send(bytes, PINGREQ)
  const goesOn = (): boolean => client.received.some(({ type }) => type === 'PINGRESP')
  await until(
    () => goesOn() || client.isClosed,
    () => 'an answer or the end',
  )
  client.expectNoFault()
  if (goesOn()) {
    client.destroy()
    return 'goes on'
  }
  const last = client.received.at(-1)
  const isFarewell = last?.type === 'DISCONNECT' || (last?.type === 'CONNACK' && last.reasonCode > 0)
  return isFarewell ? last.reasonCode : 'ends without a word'
}

/** Tries all cases on one hub and fails with all whose outcome is not as expected. */
export async function expectOutcomes(version: Version, cases: readonly Case[]): Promise<void> {
  const { port } = await startHub()
  const surprises: string[] = []
  for (const { name, bytes, expected } of cases) {
    const outcome = await outcomeOf(port, version, bytes)
    if (!expected.includes(outcome)) surprises.push(`${name}: ${outcome}, not ${expected.join(' or ')}`)
  }
  expect(surprises).toEqual([])
}

const ILL_FORMED: readonly (readonly [what: string, text: Buffer])[] = [
  ['an overlong form', Buffer.from([0x61, 0xc0, 0xaf])],
  ['a surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80])],
  ['a character that is cut off', Buffer.from([0x61, 0xc3])],
  ['a character beyond U+10FFFF', Buffer.from([0xf4, 0x90, 0x80, 0x80])],
  ['a continuation that nothing begins', Buffer.from([0x80, 0x61])],
  ['U+0000', Buffer.from([0x61, 0x00, 0x62])],
]

/** What becomes of a client that sends what is malformed. */
const MALFORMED: Readonly<Record<Version, Outcome>> = { 4: 'ends without a word', 5: 0x81 }

/** A packet with each ill-formed text in one place, and one with text that is right. */
export function textCases(
  version: Version,
  name: string,
  build: (text: Buffer) => Buffer,
  right: Outcome = 'goes on',
): Case[] {
  const expected = [MALFORMED[version]]
  const wrong = ILL_FORMED.map(([what, text]) => ({ name: `${name}: ${what}`, bytes: build(text), expected }))
  return [{ name, bytes: build(Buffer.from('\uFEFFé\u{10FFFF}')), expected: [right] }, ...wrong]
}
