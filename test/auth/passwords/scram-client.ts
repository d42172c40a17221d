import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

/** The client's side of SCRAM-SHA-256, written from RFC 5802 alone. */
export class ScramClient {
  readonly #userName: string
  readonly #password: string
  readonly #nonce: string
  #serverSignature = ''

  constructor(userName: string, password: string, nonce = 'rOprNGfwEbeRWgbNEkqO') {
    this.#userName = userName
    this.#password = password
    this.#nonce = nonce
  }

  get first(): Buffer {
    return Buffer.from(`n,,${this.#bare}`)
  }

  /** The second message, by what the server answered. */
  final(serverFirst: Uint8Array): Buffer {
    const text = Buffer.from(serverFirst).toString()
    const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text) ?? []
    const salted = pbkdf2Sync(
      this.#password.normalize('NFKC'),
      Buffer.from(salt, 'base64'),
      Number(iterations),
      32,
      'sha256',
    )
    const clientKey = hmac(salted, 'Client Key')
    const signed = `c=biws,r=${nonce}`
    const auth = `${this.#bare},${text},${signed}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), auth)
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), auth).toString('base64')
    return Buffer.from(`${signed},p=${proof.toString('base64')}`)
  }

  /** Whether the server has proven that it knew the password. */
  isServer(serverFinal: Uint8Array): boolean {
    return Buffer.from(serverFinal).toString() === `v=${this.#serverSignature}`
  }

  get #bare(): string {
    const name = this.#userName.replaceAll('=', '=3D').replaceAll(',', '=2C')
    return `n=${name},r=${this.#nonce}`
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
