import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseProxyHeader } from '../../../src/listeners/proxy/proxy-header.ts'
import { runs } from '../../support/runs.ts'
import { binaryHeader, field, sslField } from '../../support/proxy-headers.ts'

const AFTER = Buffer.from('\x10\x0c\x00\x04MQTT', 'latin1')
const IPV4 = Buffer.from([192, 0, 2, 7, 192, 0, 2, 1, 0xcb, 0xd0, 0x07, 0x5b])
const IPV6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from([0xcb, 0xd0, 0x07, 0x5b]),
])

const GOOD: [name: string, bytes: Buffer, host: string | undefined, port: number, certificateName?: string][] = [
  ['TCP4', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 52176 1883\r\n'), '192.0.2.7', 52_176],
  ['TCP6', Buffer.from('PROXY TCP6 2001:DB8:0::7 ::1 52176 1883\r\n'), '2001:db8::7', 52_176],
  ['TCP6 with an IPv4 address', Buffer.from('PROXY TCP6 ::ffff:192.0.2.7 ::1 52176 1883\r\n'), '192.0.2.7', 52_176],
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), undefined, 0],
  ['UNKNOWN with words', Buffer.from('PROXY UNKNOWN 1 2 3 4 5 6 7\r\n'), undefined, 0],
  ['version 2, IPv4', binaryHeader(1, 0x11, IPV4), '192.0.2.7', 52_176],
  ['version 2, IPv6', binaryHeader(1, 0x21, IPV6), '2001:db8::7', 52_176],
  ['version 2, Unix socket', binaryHeader(1, 0x31, Buffer.alloc(216)), undefined, 0],
  ['version 2, LOCAL', binaryHeader(0, 0x11, IPV4), undefined, 0],
  ['version 2, LOCAL with anything', binaryHeader(0, 0xff, Buffer.from('whatever')), undefined, 0],
  ['version 2, unspecified', binaryHeader(1, 0, Buffer.alloc(0)), undefined, 0],
  ['version 2 with a name', binaryHeader(1, 0x11, IPV4, sslField(7, 0, 'alice')), '192.0.2.7', 52_176, 'alice'],
  ['version 2 with a name not verified', binaryHeader(1, 0x11, IPV4, sslField(7, 1, 'alice')), '192.0.2.7', 52_176],
  [
    'version 2 with a name without certificate',
    binaryHeader(1, 0x11, IPV4, sslField(1, 0, 'alice')),
    '192.0.2.7',
    52_176,
  ],
  ['version 2 with other fields', binaryHeader(1, 0x11, IPV4, field(2, 'hub'), field(4, '')), '192.0.2.7', 52_176],
]

describe('parseProxyHeader', () => {
  test.each(GOOD)('reads %s, and asks for more until it is whole', (_, bytes, host, port, certificateName) => {
    const whole = Buffer.concat([bytes, AFTER])
    for (let length = 0; length < bytes.length; length++) {
      expect(parseProxyHeader(whole.subarray(0, length))).toBe(undefined)
    }
    const source = host === undefined ? undefined : { host, port }
    for (const given of [bytes, whole]) {
      expect(parseProxyHeader(given)).toEqual({ length: bytes.length, source, certificateName })
    }
  })

  test.each<[string, Buffer, string]>([
    ['MQTT', Buffer.from([0x10]), 'it does not begin with a PROXY protocol header'],
    ['TLS', Buffer.from([0x16, 3, 1]), 'it does not begin with a PROXY protocol header'],
    [
      'HTTP that begins alike',
      Buffer.from('PROPFIND / HTTP/1.1\r\n'),
      'it does not begin with a PROXY protocol header',
    ],
    [
      'nearly the signature',
      Buffer.from('\r\n\r\n\0\r\nQUIz', 'latin1'),
      'it does not begin with a PROXY protocol header',
    ],
    ['a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`), 'the line has no end'],
    ['another family', Buffer.from('PROXY TCP5 192.0.2.7 192.0.2.1 1 2\r\n'), 'the family is "TCP5"'],
    ['no address', Buffer.from('PROXY TCP4 hub 192.0.2.1 1 2\r\n'), 'the address of the client is no address'],
    [
      'an address of the other family',
      Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'),
      'the address of the client is no address',
    ],
    ['a port too high', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n'), 'the port of the client is no port'],
    ['a port with a sign', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n'), 'the port of the client is no port'],
    ['too many words', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n'), 'the line has too many words'],
    ['version 3', binaryHeader(1, 0x11, IPV4).fill(0x31, 12, 13), 'the version is 3'],
    ['another command', binaryHeader(5, 0x11, IPV4), 'the command is 5'],
    ['a datagram', binaryHeader(1, 0x12, IPV4), 'the family is 18'],
    ['no room for its addresses', binaryHeader(1, 0x11, IPV4.subarray(0, 11)), 'it is too short for its addresses'],
    ['more than there may be', binaryHeader(1, 0x11, Buffer.alloc(2049)), 'it says that it has 2049 bytes'],
    [
      'a field longer than the header',
      binaryHeader(1, 0x11, IPV4, Buffer.from([2, 0, 9, 1])),
      'its fields have wrong lengths',
    ],
    ['half a field', binaryHeader(1, 0x11, IPV4, Buffer.from([2, 0])), 'its fields have wrong lengths'],
    [
      'a field in a field that is longer',
      binaryHeader(1, 0x11, IPV4, field(0x20, '\x07\0\0\0\0\x22\0\x09a')),
      'its fields have wrong lengths',
    ],
    ['a field of TLS too short', binaryHeader(1, 0x11, IPV4, field(0x20, '\x07')), 'its fields have wrong lengths'],
  ])('says what is wrong with %s', (_, bytes, fault) => {
    expect(parseProxyHeader(bytes)).toBe(fault)
  })

  test('takes any bytes, decides within 2,064 of them, and never otherwise when they come one by one', () => {
    const begin = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
      Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11', 'latin1'),
    )
    fc.assert(
      fc.property(begin, fc.uint8Array({ maxLength: 2200 }), fc.nat(2200), (first, rest, cut) => {
        const bytes = Buffer.concat([first, rest])
        const whole = parseProxyHeader(bytes)
        const part = parseProxyHeader(bytes.subarray(0, cut))
        if (part !== undefined) expect(part).toEqual(whole)
        if (bytes.length >= 2064) expect(whole).not.toBe(undefined)
        if (typeof whole === 'object') expect(whole.length).toBeLessThanOrEqual(Math.min(bytes.length, 2064))
      }),
      { numRuns: runs(2000) },
    )
  })

  test('takes good headers with some bytes changed', () => {
    const header = fc.constantFrom(...GOOD.map(([, bytes]) => bytes))
    fc.assert(
      fc.property(header, fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }), (good, changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) if (at < bytes.length) bytes.writeUInt8(value, at)
        const read = parseProxyHeader(bytes)
        if (typeof read === 'object') expect(read.length).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: runs(2000) },
    )
  })
})
