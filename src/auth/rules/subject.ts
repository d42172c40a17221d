import { BlockList, isIP } from 'node:net'
import type { Glob } from './glob.ts'

/** Whom a rule concerns. */
export type Subject =
  | { readonly kind: 'everybody' | 'anonymous' | 'users' | 'plainNames' }
  | { readonly kind: 'user' | 'group' | 'listener' | 'role'; readonly name: string }
  | { readonly kind: 'client'; readonly glob: Glob }
  | { readonly kind: 'address'; readonly range: AddressRange }
  | { readonly kind: 'any' | 'all'; readonly of: readonly Subject[] }

/** What rules know of somebody who asks. */
export interface Asker {
  readonly user: string | undefined
  readonly clientId: string | undefined
  readonly role: string | undefined
  readonly host: string
  readonly listener: string
  /** All that he is in, by any way. */
  readonly groups: ReadonlySet<string>
}

export function fits(subject: Subject, asker: Asker): boolean {
  switch (subject.kind) {
    case 'anonymous':
      return asker.user === undefined
    case 'users':
      return asker.user !== undefined
    case 'plainNames':
      return isPlain(asker.user) && isPlain(asker.clientId)
    case 'user':
      return asker.user === subject.name
    case 'group':
      return asker.groups.has(subject.name)
    case 'listener':
      return asker.listener === subject.name
    case 'role':
      return asker.role === subject.name
    case 'client':
      return asker.clientId !== undefined && subject.glob.matches(asker.clientId)
    case 'address':
      return subject.range.has(asker.host)
    case 'any':
      return subject.of.some((part) => fits(part, asker))
    case 'all':
      return subject.of.every((part) => fits(part, asker))
    default:
      return true
  }
}

function isPlain(name: string | undefined): boolean {
  return name === undefined || !/[+#]/.test(name)
}

/** The only users whom it can fit, or undefined when it is not bound to names. */
export function usersOf(subject: Subject): readonly string[] | undefined {
  if (subject.kind === 'user') return [subject.name]
  if (subject.kind === 'all') {
    for (const part of subject.of) {
      const names = usersOf(part)
      if (names !== undefined) return names
    }
  }
  if (subject.kind !== 'any') return undefined
  const names = new Set<string>()
  for (const part of subject.of) {
    const more = usersOf(part)
    if (more === undefined) return undefined
    for (const name of more) names.add(name)
  }
  return [...names]
}

/** Tells whether whoever `inner` fits is surely one whom `outer` fits. `isMember` tells whether a user is in a group by his name. */
export function takesIn(outer: Subject, inner: Subject, isMember: (user: string, group: string) => boolean): boolean {
  if (outer.kind === 'everybody') return true
  if (inner.kind === 'any') return inner.of.every((part) => takesIn(outer, part, isMember))
  if (outer.kind === 'any' && outer.of.some((part) => takesIn(part, inner, isMember))) return true
  if (outer.kind === 'all') return outer.of.every((part) => takesIn(part, inner, isMember))
  if (inner.kind === 'all') return inner.of.some((part) => takesIn(outer, part, isMember))
  switch (outer.kind) {
    case 'users':
      return inner.kind === 'users' || inner.kind === 'user'
    case 'anonymous':
    case 'plainNames':
      return inner.kind === outer.kind
    case 'group':
      if (inner.kind === 'user') return isMember(inner.name, outer.name)
      return inner.kind === 'group' && inner.name === outer.name
    case 'user':
    case 'listener':
    case 'role':
      return inner.kind === outer.kind && inner.name === outer.name
    case 'client':
      return inner.kind === 'client' && (inner.glob.text === outer.glob.text || isOneOf(inner.glob, outer.glob))
    case 'address':
      return inner.kind === 'address' && outer.range.takesIn(inner.range)
    default:
      return false
  }
}

function isOneOf(inner: Glob, outer: Glob): boolean {
  return outer.text === '*' || (inner.isLiteral && outer.matches(inner.text))
}

/** Addresses that begin alike: `192.168.0.0/16`, `fd00::/8`, or one address. */
export class AddressRange {
  readonly text: string
  readonly #list = new BlockList()
  readonly #first: string
  readonly #prefixBits: number
  readonly #version: number

  private constructor(text: string, address: string, prefixBits: number) {
    this.text = text
    this.#first = address
    this.#prefixBits = prefixBits
    this.#version = isIP(address)
    this.#list.addSubnet(address, prefixBits, familyOf(address))
  }

  /** Undefined when the text is no such range. */
  static read(text: string): AddressRange | undefined {
    const [address = '', prefix, ...others] = text.split('/')
    const version = isIP(address)
    if (version === 0 || address.includes('%') || others.length > 0) return undefined
    const maxBits = version === 4 ? 32 : 128
    if (prefix === undefined) return new AddressRange(text, address, maxBits)
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > maxBits) return undefined
    return new AddressRange(text, address, Number(prefix))
  }

  /** `host` is an address, perhaps with a zone (`fe80::1%eth0`); anything else is in no range. An IPv4 address may be written as IPv6. */
  has(host: string): boolean {
    const zone = host.indexOf('%')
    const address = zone === -1 ? host : host.slice(0, zone)
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address))
  }

  takesIn(other: AddressRange): boolean {
    return this.#version === other.#version && this.#prefixBits <= other.#prefixBits && this.has(other.#first)
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** The same for two subjects that are written alike. */
export function subjectKey(subject: Subject): string {
  switch (subject.kind) {
    case 'user':
    case 'group':
    case 'listener':
    case 'role':
      return `${subject.kind} ${JSON.stringify(subject.name)}`
    case 'client':
      return `client ${JSON.stringify(subject.glob.text)}`
    case 'address':
      return `address ${subject.range.text}`
    case 'any':
    case 'all':
      return `${subject.kind} (${subject.of.map(subjectKey).toSorted().join(', ')})`
    default:
      return subject.kind
  }
}

/** All users, groups and listeners that it names. */
export function namesOf(subject: Subject): readonly { readonly kind: string; readonly name: string }[] {
  if (subject.kind === 'any' || subject.kind === 'all') return subject.of.flatMap(namesOf)
  return 'name' in subject ? [subject] : []
}

/** As people read it: `group family and listener outside`. */
export function subjectText(subject: Subject): string {
  switch (subject.kind) {
    case 'user':
    case 'group':
    case 'listener':
    case 'role':
      return `${subject.kind} ${subject.name}`
    case 'client':
      return `client ${subject.glob.text}`
    case 'address':
      return `address ${subject.range.text}`
    case 'any':
      return subject.of.map(subjectText).join(' or ')
    case 'all':
      return subject.of.map(subjectText).join(' and ')
    case 'plainNames':
      return 'names without "+" and "#"'
    default:
      return subject.kind
  }
}

/** How many parts it has, which is what a comparison costs. */
export function sizeOf(subject: Subject): number {
  if (subject.kind !== 'any' && subject.kind !== 'all') return 1
  return subject.of.reduce((size, part) => size + sizeOf(part), 1)
}
