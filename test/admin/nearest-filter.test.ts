import { describe, expect, test } from 'vitest'
import { LoopPart } from '../../src/base/loop-times.ts'
import { Slices } from '../../src/base/slices.ts'
import { nearestFilter } from '../../src/admin/nearest-filter.ts'

function slices(): Slices {
  return new Slices(LoopPart.HTTP)
}

describe('nearestFilter', () => {
  test('finds the filter that agrees for most levels and says where it departs', async () => {
    expect(await nearestFilter(['x', 'home/+/temp', 'home/hall'], 'home/hall/light', slices())).toEqual({
      filter: 'home/+/temp',
      matchingLevels: 2,
      departure: 'level',
      filterLevel: 'temp',
      topicLevel: 'light',
      difference: 'level 3 is "temp", the topic has "light"',
    })
  })

  test.each([
    ['home/Lamp', 'home/lamp', 'case', 'level 2 is "Lamp", the topic has "lamp": upper and lower case differ'],
    ['home/lamp ', 'home/lamp', 'spaces', 'level 2 is "lamp ", the topic has "lamp": there is a space too many'],
    ['home', 'home/lamp', 'shorter', 'it ends after level 1, the topic has 2 levels'],
    ['home/lamp/+', 'home/lamp', 'longer', 'it goes on with level 3 "+", the topic ends before it'],
    ['/home', 'home', 'level', 'level 1 is "", the topic has "home"'],
    [
      '#',
      '$SYS/broker',
      'leading-wildcard',
      'a filter that begins with a wildcard does not reach topics that begin with "$"',
    ],
    ['$share/g/a/b', 'a/c', 'level', 'level 2 is "b", the topic has "c"'],
    ['$history/5m/a/b', 'a/c', 'level', 'level 2 is "b", the topic has "c"'],
  ])('says of %s and %s: %s, %s', async (filter, topic, departure, difference) => {
    expect(await nearestFilter([filter], topic, slices())).toMatchObject({ filter, departure, difference })
  })

  test('finds none among none', async () => {
    expect(await nearestFilter([], 'a', slices())).toBeUndefined()
  })
})
