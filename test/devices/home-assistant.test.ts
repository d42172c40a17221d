import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { announce, homeAssistantDiscovery } from '../../devices/announcement.ts'
import { KINDS } from '../../devices/kinds.ts'
import { About } from '../../devices/payloads.ts'
import { deviceTopics } from '../../devices/topics.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { startFleet, Watcher } from './watching.ts'

describe('What a device says of itself', () => {
  test.each([...KINDS.values()])('is as its schema wants it, for a $name', (kind) => {
    const about: unknown = JSON.parse(JSON.stringify(announce(kind, 'x-1', 'X', 5)))
    expect([...Value.Errors(About, about)]).toEqual([])
  })

  test('is told to Home Assistant only if asked, retained, where it looks for it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const broker = {
      url: new URL(`mqtt://127.0.0.1:${port}`),
      webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`),
    }
    await startFleet(broker, [{ kind: 'lamp', ids: ['l-1'] }], { isHomeAssistantTold: true })
    await startFleet(broker, [{ kind: 'lamp', ids: ['l-2'] }])
    const watcher = await Watcher.connect(broker, 5, ['devices/#', 'homeassistant/#'])
    await watcher.until(deviceTopics('l-2').status)
    const { payload } = await watcher.until('homeassistant/device/l-1/config', (_payload, { retain }) => retain)
    expect(JSON.parse(payload.toString())).toMatchObject({
      device: { identifiers: ['l-1'], name: 'L 1', model: 'lamp' },
      availability: [{ topic: 'devices/l-1/status' }],
      components: { light: { platform: 'light', unique_id: 'l-1-light', command_topic: 'devices/l-1/cmd/set' } },
    })
    expect(watcher.seen.items.filter(({ topic }) => topic.includes('homeassistant/device/l-2'))).toEqual([])
  })

  test.each([...KINDS.values()])('has an id of its own for each entity that Home Assistant gets of a $name', (kind) => {
    const discovery = homeAssistantDiscovery(kind, 'x-1', 'X', deviceTopics('x-1'))
    if (kind.homeAssistant === undefined) {
      expect(discovery).toBeUndefined()
      return
    }
    const { components } = JSON.parse(discovery?.payload ?? '')
    const ids = Object.values<{ unique_id: string }>(components).map(({ unique_id }) => unique_id)
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
