import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClientFirst, ScramServer } from '../../../src/auth/passwords/scram.ts'
import { makeVerifier, parseVerifier, type ScramVerifier } from '../../../src/auth/passwords/scram-verifier.ts'
import { runs } from '../../support/runs.ts'
import { ScramClient } from './scram-client.ts'

/** The example of RFC 7677, section 3. */
const RFC = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

function verifierOf(password: string): ScramVerifier {
  const verifier = parseVerifier(makeVerifier(Buffer.from(password), 4096, RFC.salt))
  if (verifier === undefined) throw new Error('the verifier cannot be read')
  return verifier
}

const PENCIL = verifierOf('pencil')

function serverFor(clientFirst: string): ScramServer {
  const start = readClientFirst(Buffer.from(clientFirst))
  if (start === undefined) throw new Error('the first message was refused')
  return new ScramServer(start, PENCIL, RFC.serverNonce)
}

function answerOf(server: ScramServer, clientFinal: string): string | undefined {
  const answer = server.final(Buffer.from(clientFinal))
  return answer && Buffer.from(answer).toString()
}

describe('ScramServer', () => {
  test('says what the example of the standard says [RFC 7677 §3]', () => {
    const server = serverFor(RFC.clientFirst)
    expect(Buffer.from(server.first).toString()).toBe(RFC.serverFirst)
    expect(answerOf(server, RFC.clientFinal)).toBe(RFC.serverFinal)
  })

  test.each([
    ['another proof', RFC.clientFinal.replace('p=dH', 'p=dI')],
    ['a short proof', RFC.clientFinal.replace(/p=.*/, 'p=dHzb')],
    ['no proof', RFC.clientFinal.replace(/,p=.*/, '')],
    ['a proof that is no base64', RFC.clientFinal.replace(/p=.*/, 'p=***')],
    ['another nonce', RFC.clientFinal.replace('hvYD', 'hvYE')],
    ['a channel binding that was not asked for', RFC.clientFinal.replace('c=biws', 'c=eSws')],
    ['nothing', ''],
  ])('refuses %s', (_, clientFinal) => {
    expect(answerOf(serverFor(RFC.clientFirst), clientFinal)).toBeUndefined()
  })

  test('takes a proof once', () => {
    const server = serverFor(RFC.clientFirst)
    expect(answerOf(server, RFC.clientFinal)).toBe(RFC.serverFinal)
    expect(answerOf(server, RFC.clientFinal)).toBeUndefined()
  })

  test('has another nonce each time', () => {
    const start = readClientFirst(Buffer.from(RFC.clientFirst))
    if (start === undefined) throw new Error('the first message was refused')
    const firsts = [1, 2].map(() => Buffer.from(new ScramServer(start, PENCIL).first).toString())
    expect(firsts[0]).not.toBe(firsts[1])
  })

  test('agrees with a client about any password', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (password) => {
        const client = new ScramClient('user', password)
        const start = readClientFirst(client.first)
        if (start === undefined) throw new Error('the first message was refused')
        const server = new ScramServer(start, verifierOf(password))
        const answer = server.final(client.final(server.first))
        expect(answer !== undefined && client.isServer(answer)).toBe(true)
      }),
      { numRuns: runs(30) },
    )
  })
})

describe('readClientFirst', () => {
  test.each([
    ['y,,n=user,r=12345678', 'user'],
    ['n,a=user,n=user,r=12345678', 'user'],
    ['n,,n=a=2Cb=3Dc,r=12345678', 'a,b=c'],
    ['n,,n=user,r=12345678,x=later', 'user'],
    ['n,,n=__proto__,r=12345678', '__proto__'],
  ])('takes %s', (text, userName) => {
    expect(readClientFirst(Buffer.from(text))).toMatchObject({ userName, nonce: '12345678' })
  })

  test.each([
    ['channel binding', 'p=tls-unique,,n=user,r=12345678'],
    ['an extension that must be understood', 'n,,m=x,n=user,r=12345678'],
    ['to act as another', 'n,a=admin,n=user,r=12345678'],
    ['a name with a wrong escape', 'n,,n=a=2cb,r=12345678'],
    ['no name', 'n,,n=,r=12345678'],
    ['a short nonce', 'n,,n=user,r=1234567'],
    ['a long nonce', `n,,n=user,r=${'1'.repeat(257)}`],
    ['a nonce with a blank', 'n,,n=user,r=1234 5678'],
    ['no nonce', 'n,,n=user'],
    ['a message that is too long', `n,,n=${'u'.repeat(5000)},r=12345678`],
    ['another method', '\0user\0pencil'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(readClientFirst(Buffer.from(text))).toBeUndefined()
  })

  test('refuses bytes that are no text', () => {
    expect(readClientFirst(Buffer.from('n,,n=\u00ff,r=12345678', 'latin1'))).toBeUndefined()
  })
})

test('SCRAM messages of any bytes do not throw and let nobody in', () => {
  const piece = fc.oneof(
    fc.constantFrom('n,,', 'y,,', 'p=', 'n=', 'r=', 'c=biws', ',', '=', 'm=', 'user', '12345678', 'p=dHzb', '\0', '%'),
    fc.string(),
  )
  const message = fc.oneof(
    fc.array(piece).map((pieces) => Buffer.from(pieces.join(''))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(message, message, (first, final) => {
      const start = readClientFirst(first) ?? readClientFirst(Buffer.from(RFC.clientFirst))
      if (start !== undefined) expect(new ScramServer(start, PENCIL).final(final)).toBeUndefined()
    }),
    { numRuns: runs(500) },
  )
})

describe('parseVerifier', () => {
  test.each([
    ['too few rounds', 'SCRAM-SHA-256$4095:'],
    ['rounds that keep a client busy for hours', 'SCRAM-SHA-256$9999999:'],
    ['another kind', 'SCRAM-SHA-1$4096:'],
  ])('refuses %s', (_, head) => {
    const text = makeVerifier(Buffer.from('pencil'), 4096)
    expect(parseVerifier(text)).toBeDefined()
    expect(parseVerifier(text.replace('SCRAM-SHA-256$4096:', head))).toBeUndefined()
  })
})
