import type { Identity } from '../../../src/auth/identity.ts'

/** Somebody who has come to the listener `inside` from this machine. */
export function somebody(parts: Partial<Identity> = {}): Identity {
  return {
    user: undefined,
    groups: [],
    role: undefined,
    via: parts.user === undefined ? 'anonymous' : 'password',
    clientId: undefined,
    host: '127.0.0.1',
    listener: 'inside',
    expiresAtMs: Infinity,
    ownRules: [],
    ...parts,
  }
}
