import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { createJwt } from '../../../src/auth/tokens/create-jwt.ts'
import { collectingLog } from '../../support/users.ts'

const CLAIMS = { issuer: null, userClaim: 'sub', groupsClaim: 'groups', rulesClaim: 'rules', roleClaim: null }

test('Tokens with unknown keys keep no good token out while the provider is slow', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }
  let isSlow = false
  const server = createServer((_request, response) => {
    if (!isSlow) response.end(JSON.stringify({ keys: [jwk] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  let nowMs = Date.now()
  const settings = { key: `http://127.0.0.1:${port}/`, audience: 'hub', ...CLAIMS }
  const jwt = createJwt(settings, collectingLog().log, () => nowMs)
  if (jwt === undefined) throw new Error('no key is configured')
  await jwt.start()
  const tokenOf = (kid: string): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid })
      .setSubject('dev')
      .setAudience('hub')
      .setExpirationTime('1h')
      .sign(privateKey)
  isSlow = true
  // The keys may be asked for again.
  nowMs += 11_000
  const stranger = await tokenOf('unknown')
  const strangers = Promise.allSettled(Array.from({ length: 200 }, () => jwt.verify(stranger)))
  expect(await jwt.verify(await tokenOf('a'))).toMatchObject({ user: 'dev' })
  jwt.stop()
  server.closeAllConnections()
  await strangers
})
