import { describe, expect, test } from 'vitest'
import { Limiter } from '../../../src/auth/users/limiter.ts'

/** A limiter whose clock the test sets. */
function limiterAt() {
  const clock = { nowMs: 1_000_000 }
  return { limiter: new Limiter(() => clock.nowMs), clock }
}

function failTimes(limiter: Limiter, count: number, host: string, name: string | ((i: number) => string)): void {
  for (let i = 0; i < count; i++) limiter.noteFailure(host, typeof name === 'string' ? name : name(i))
}

describe('Limiter', () => {
  test('refuses an address from its 20th failure on, and gives it another try after some seconds', () => {
    const { limiter, clock } = limiterAt()
    failTimes(limiter, 19, '192.0.2.1', (i) => `user ${i}`)
    expect(limiter.isBanned('192.0.2.1')).toBe(false)
    failTimes(limiter, 1, '192.0.2.1', 'last')
    expect(limiter.isBanned('192.0.2.1')).toBe(true)
    expect(limiter.admit('192.0.2.1', 'anna')).toEqual({
      kind: 'banned',
      reason: 'too many failures from this address',
    })
    expect(limiter.isBanned('192.0.2.2')).toBe(false)
    clock.nowMs += 6000
    expect(limiter.isBanned('192.0.2.1')).toBe(false)
    failTimes(limiter, 1, '192.0.2.1', 'again')
    expect(limiter.isBanned('192.0.2.1')).toBe(true)
    expect(limiter).toMatchObject({ failed: 21, banned: 1 })
  })

  test('takes a network of IPv6 for one address, and IPv4 in IPv6 for what it is', () => {
    const { limiter } = limiterAt()
    failTimes(limiter, 20, '2001:db8:0:1::5', 'anna')
    expect(limiter.isBanned('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe(true)
    expect(limiter.isBanned('2001:0db8::1:0:0:0:9')).toBe(true)
    expect(limiter.isBanned('2001:db8:0:2::5')).toBe(false)
    failTimes(limiter, 20, '::ffff:192.0.2.9', 'anna')
    expect(limiter.isBanned('192.0.2.9')).toBe(true)
    expect(limiter.isBanned('::ffff:192.0.2.8')).toBe(false)
  })

  test('never refuses this machine at once, which a proxy may stand for', () => {
    const { limiter } = limiterAt()
    for (const host of ['127.0.0.1', '::1']) {
      failTimes(limiter, 100, host, 'anna')
      expect(limiter.isBanned(host)).toBe(false)
      expect(limiter.admit(host, 'otto').kind).toBe('banned')
    }
  })

  test('never refuses an address at once from which somebody got in', () => {
    const { limiter } = limiterAt()
    limiter.noteSuccess('192.0.2.1', 'dev-1')
    failTimes(limiter, 100, '192.0.2.1', 'guess')
    expect(limiter.isBanned('192.0.2.1')).toBe(false)
    expect(limiter.admit('192.0.2.1', 'guess').kind).toBe('banned')
    expect(limiter.admit('192.0.2.1', 'dev-1')).toEqual({ kind: 'after', delayMs: 0 })
    expect(limiter.isTrusted('192.0.2.1', 'dev-1')).toBe(true)
    expect(limiter.isTrusted('192.0.2.1', 'guess')).toBe(false)
  })

  test('refuses one address for one name after eight failures', () => {
    const { limiter, clock } = limiterAt()
    failTimes(limiter, 8, '192.0.2.1', 'anna')
    expect(limiter.admit('192.0.2.1', 'anna').kind).toBe('banned')
    expect(limiter.admit('192.0.2.1', 'otto').kind).toBe('after')
    expect(limiter.admit('192.0.2.2', 'anna').kind).toBe('after')
    clock.nowMs += 10_000
    expect(limiter.admit('192.0.2.1', 'anna').kind).toBe('after')
  })

  test('slows a name that many guess at, and never blocks it', () => {
    const { limiter } = limiterAt()
    limiter.noteSuccess('192.0.2.200', 'anna')
    for (let i = 0; i < 200; i++) limiter.noteFailure(`198.51.100.${i}`, 'anna')
    expect(limiter.admit('192.0.2.1', 'anna')).toEqual({ kind: 'after', delayMs: 2000 })
    expect(limiter.admit('192.0.2.200', 'anna')).toEqual({ kind: 'after', delayMs: 0 })
    expect(limiter.admit('192.0.2.1', 'otto')).toEqual({ kind: 'after', delayMs: 0 })
    expect(limiter.slowed).toBe(1)
  })

  test('forgets the oldest of too many addresses and names, of any length', () => {
    const { limiter } = limiterAt()
    failTimes(limiter, 20, '192.0.2.1', 'anna')
    for (let i = 0; i < 10_000; i++)
      limiter.noteFailure(`2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`, 'x'.repeat(60_000) + i)
    expect(limiter.isBanned('192.0.2.1')).toBe(false)
  })
})
