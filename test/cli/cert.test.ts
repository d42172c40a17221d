import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { chooseCommand, readCommandLine } from '../../src/cli/command-line.ts'
import { loadConfig } from '../../src/config/load.ts'
import { rejectionOf } from '../support/errors.ts'
import { mosquittoPub } from '../support/mosquitto.ts'
import { startHub } from '../support/start-hub.ts'

/** Runs `hubbub` with words and a folder of its own, in this process. */
function certsIn(folder: string): (...argv: readonly string[]) => Promise<string> {
  return async (...argv) => {
    const line = readCommandLine([...argv, '--folder', folder])
    const { command, operand } = chooseCommand(line)
    return String(await command.run({ operand, flags: line.flags, loadConfig: notNeeded }))
  }
}

async function notNeeded(): Promise<never> {
  throw new Error('the configuration is not needed')
}

function newFolder(): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'hubbub-cert-')), 'made')
  onTestFinished(() => rmSync(join(folder, '..'), { recursive: true }))
  return folder
}

function openssl(...args: readonly string[]): string {
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString()
}

test('hubbub cert makes a CA, a list and a certificate of this machine that openssl finds good, and keys that others cannot read', async () => {
  const folder = newFolder()
  const text = await certsIn(folder)('cert', '--names', 'hub.example.org, 192.0.2.7', '--days', '90')
  const server = join(folder, 'server.pem')
  for (const name of ['localhost', 'hub.example.org', hostname()]) {
    expect(openssl('verify', '-CAfile', join(folder, 'ca.pem'), '-verify_hostname', name, server)).toContain('OK')
  }
  const ca = ['-CAfile', join(folder, 'ca.pem'), '-CRLfile', join(folder, 'crl.pem'), '-crl_check']
  expect(openssl('verify', ...ca, '-verify_ip', '192.0.2.7', '-purpose', 'sslserver', server)).toContain('OK')
  const shown = openssl('x509', '-in', server, '-noout', '-text')
  expect(shown).toContain('made for trying out')
  expect(shown).toContain('NIST CURVE: P-256')
  for (const [file, mode] of [
    ['ca-key.pem', 0o600],
    ['server-key.pem', 0o600],
    ['ca.pem', 0o644],
  ] as const) {
    expect(statSync(join(folder, file)).mode & 0o777).toBe(mode)
  }
  expect(text).toContain(`mosquitto_pub -h localhost -p 8883 --cafile ${join(folder, 'ca.pem')} -t hello/world`)
  for (const word of ['Home Assistant', 'ESP32', 'browser', 'BEGIN CERTIFICATE', 'hub.example.org', 'for trying out']) {
    expect(text).toContain(word)
  }
})

test('The lines that hubbub cert prints for hubbub.yaml are accepted', async () => {
  const folder = newFolder()
  const text = await certsIn(folder)('cert')
  const [, lines = ''] = /Lines for hubbub\.yaml:\n([^]*?)\n\nTry it/.exec(text) ?? []
  writeFileSync(join(folder, 'hubbub.yaml'), `allowAnonymous: true\n${lines.replaceAll(/^ {2}/gm, '')}\n`)
  const { config } = loadConfig({ flags: [], file: join(folder, 'hubbub.yaml'), env: {}, cwd: folder })
  expect(config.listeners.map(({ kind }) => kind)).toEqual(['mqtt', 'http', 'mqtts', 'https'])
})

test('hubbub cert client makes a certificate that a hub takes, and hubbub cert revoke one that it does not', async () => {
  const folder = newFolder()
  const certs = certsIn(folder)
  await certs('cert')
  const text = await certs('cert', 'client', 'alice')
  expect(text).toContain(`--cert ${join(folder, 'alice.pem')} --key ${join(folder, 'alice-key.pem')}`)
  await certs('cert', 'client', 'bob')
  const made = JSON.parse(await certs('cert', 'revoke', 'bob', '--json'))
  expect(made).toMatchObject({ folder, files: ['crl.pem'], name: 'bob' })
  const files = { certificate: join(folder, 'server.pem'), key: join(folder, 'server-key.pem') }
  const clients = { ca: join(folder, 'ca.pem'), crl: join(folder, 'crl.pem'), clientCertificates: 'required' as const }
  const { hub, log } = await startHub({ config: { listeners: [{ kind: 'mqtts', port: 0, ...files, ...clients }] } })
  const publish = async (name: string): Promise<void> => {
    const pair = ['--cert', join(folder, `${name}.pem`), '--key', join(folder, `${name}-key.pem`)]
    const args = ['--cafile', join(folder, 'ca.pem'), ...pair]
    await mosquittoPub(hub.addresses.mqtt.port, { topic: 'a', payload: 'x', qos: 1, args })
  }
  await publish('alice')
  await expect(publish('bob')).rejects.toThrow(/exit code/)
  expect(log.lines.items.map(({ fields }) => fields['reason'])).toContain(
    'the client certificate is refused: it is revoked',
  )
  await expect(certs('cert', 'revoke', 'bob')).rejects.toThrow(/it is revoked already$/)
  // The list before is kept.
  await certs('cert', 'revoke', 'alice')
  expect(openssl('crl', '-in', join(folder, 'crl.pem'), '-noout', '-text').match(/Serial Number: /g)).toHaveLength(2)
})

test('hubbub cert replaces nothing without --force, and never the CA', async () => {
  const folder = newFolder()
  const certs = certsIn(folder)
  await certs('cert')
  await certs('cert', 'client', 'alice')
  const before = (name: string) => readFileSync(join(folder, name), 'utf8')
  const [ca, server] = [before('ca.pem'), before('server.pem')]
  const error = await rejectionOf(certs('cert'))
  expect(error.code).toBe('COMMAND_INVALID')
  expect(error.message).toBe(
    `Cannot write ${join(folder, 'server.pem')}: there must be no such file yet, there is one; replace it with --force`,
  )
  await expect(certs('cert', 'client', 'alice')).rejects.toThrow(/--force$/)
  await certs('cert', '--force')
  expect(before('ca.pem')).toBe(ca)
  expect(before('server.pem')).not.toBe(server)
})

test.each([
  [['cert', 'client', '../x'], 'Cannot make a certificate for "../x": the name must be of letters'],
  [['cert', 'client', 'ca'], 'Cannot make a certificate for "ca"'],
  [['cert', 'client', 'alice'], 'ca.pem is missing; "hubbub cert" makes them'],
  [['cert', 'revoke', 'alice'], 'Cannot revoke the certificate of "alice": it must be in '],
  [['cert', '--names', 'a b'], 'Cannot use --names: each must be a host name or an IP address, there is "a b"'],
  [['cert', '--days', '0'], 'Cannot use --days: it must be a whole number from 1 to 3650, it is "0"'],
])('hubbub %j is refused', async (argv, fault) => {
  const error = await rejectionOf(certsIn(newFolder())(...argv))
  expect([error.code, error.message]).toEqual(['COMMAND_INVALID', expect.stringContaining(fault)])
})
