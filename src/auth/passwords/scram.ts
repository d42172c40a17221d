import { randomBytes, timingSafeEqual } from 'node:crypto'
import { base64, hmac, type ScramVerifier, sha256 } from './scram-verifier.ts'

/** The authentication method of MQTT 5 that these messages belong to. */
export const SCRAM_METHOD = 'SCRAM-SHA-256'

/** What the client began with. */
export interface ScramStart {
  readonly userName: string
  /** Of the client, printable and without a comma. */
  readonly nonce: string
  /** "n,," or "y,,", perhaps with a name. */
  readonly channelHeader: string
  /** The rest of the message, as it is signed. */
  readonly bare: string
}

const MAX_MESSAGE_BYTES = 4096
const MAX_NONCE_CHARACTERS = 256
const MIN_NONCE_CHARACTERS = 8
const NONCE_BYTES = 18
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Reads a client's first message. Undefined when it is none, asks for channel binding, which the hub does not offer, or has an
 * extension that must be understood. [RFC 5802 §7]
 */
export function readClientFirst(message: Uint8Array): ScramStart | undefined {
  const text = textOf(message)
  if (text === undefined) return undefined
  const [flag, authorizedAs, ...rest] = text.split(',')
  if (flag !== 'n' && flag !== 'y') return undefined
  const [name, nonceField] = rest
  if (authorizedAs === undefined || name?.startsWith('n=') !== true || nonceField?.startsWith('r=') !== true)
    return undefined
  const userName = decodedName(name.slice(2))
  const nonce = nonceField.slice(2)
  if (userName === undefined || !NONCE.test(nonce)) return undefined
  if (nonce.length < MIN_NONCE_CHARACTERS || nonce.length > MAX_NONCE_CHARACTERS) return undefined
  // To act as somebody else there is no right here.
  if (authorizedAs !== '' && authorizedAs !== `a=${name.slice(2)}`) return undefined
  return { userName, nonce, channelHeader: `${flag},${authorizedAs},`, bare: rest.join(',') }
}

/**
 * The server's side of one sign-in by SCRAM-SHA-256, without channel binding: no password is sent, and the client sees that the server
 * knew it. [RFC 5802] [RFC 7677]
 */
export class ScramServer {
  /** What is sent in answer to the client's first message. */
  readonly first: Uint8Array
  readonly #start: ScramStart
  readonly #verifier: ScramVerifier
  readonly #nonce: string
  #isDone = false

  /** `serverNonce` is random; tests have that of the standard. */
  constructor(start: ScramStart, verifier: ScramVerifier, serverNonce = base64(randomBytes(NONCE_BYTES))) {
    this.#start = start
    this.#verifier = verifier
    this.#nonce = start.nonce + serverNonce
    this.first = Buffer.from(this.#firstText())
  }

  /** What is sent in answer to the client's second message; undefined when it does not prove that the client knows the password. */
  final(message: Uint8Array): Uint8Array | undefined {
    const text = textOf(message)
    // Once: a second proof for the same nonce is a replay.
    if (this.#isDone || text === undefined) return undefined
    this.#isDone = true
    const proofAt = text.lastIndexOf(',p=')
    const signed = text.slice(0, Math.max(0, proofAt))
    const [binding, nonce] = signed.split(',')
    const proof = bytesOf(text.slice(proofAt + 3))
    if (proofAt === -1 || proof?.length !== this.#verifier.storedKey.length) return undefined
    if (binding !== `c=${base64(Buffer.from(this.#start.channelHeader))}` || nonce !== `r=${this.#nonce}`)
      return undefined
    const authMessage = `${this.#start.bare},${this.#firstText()},${signed}`
    const signature = hmac(this.#verifier.storedKey, authMessage)
    const clientKey = proof.map((byte, i) => byte ^ (signature[i] ?? 0))
    if (!timingSafeEqual(sha256(clientKey), this.#verifier.storedKey)) return undefined
    return Buffer.from(`v=${base64(hmac(this.#verifier.serverKey, authMessage))}`)
  }

  #firstText(): string {
    return `r=${this.#nonce},s=${base64(this.#verifier.salt)},i=${this.#verifier.iterations}`
  }
}

function textOf(message: Uint8Array): string | undefined {
  if (message.length > MAX_MESSAGE_BYTES) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message)
  } catch {
    return undefined
  }
}

/** A name in which "=2C" stands for a comma and "=3D" for an equals sign, and no other "=" is allowed. */
function decodedName(text: string): string | undefined {
  if (text === '' || /=(?!2C|3D)/.test(text)) return undefined
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function bytesOf(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}
