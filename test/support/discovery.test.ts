// The order in which a broker for the tests is looked for.

import { describe, expect, test } from '@jest/globals'
import { chooseBroker } from './discovery.ts'
import type { Probes } from './discovery.ts'

type Place = 'docker' | 'jvm'

/** A machine on which these can be had; `asked` is what was asked about, in order. */
function machine(...has: Place[]): Probes & { asked: Place[] } {
  const asked: Place[] = []
  const whyNot = (place: Place): string | undefined => {
    asked.push(place)
    return has.includes(place) ? undefined : `no ${place}`
  }
  return { asked, whyNoDocker: async () => whyNot('docker'), whyNoJvm: () => whyNot('jvm') }
}

const KAFKA_BROKERS = 'broker-1:9092,broker-2:9092'

describe('a broker is taken', () => {
  test('from KAFKA_BROKERS first, and nothing else is asked', async () => {
    const probes = machine('docker', 'jvm')
    const choice = await chooseBroker({ KAFKA_BROKERS }, probes)
    expect(choice).toEqual({ from: 'KAFKA_BROKERS', bootstrapServers: KAFKA_BROKERS })
    expect(probes.asked).toEqual([])
  })

  test('from a Docker engine next', async () => {
    const probes = machine('docker', 'jvm')
    expect(await chooseBroker({}, probes)).toEqual({ from: 'docker' })
    expect(probes.asked).toEqual(['docker'])
  })

  test('from a JVM then', async () => {
    const probes = machine('jvm')
    expect(await chooseBroker({ KAFKA_BROKERS: '' }, probes)).toEqual({ from: 'jvm' })
    expect(probes.asked).toEqual(['docker', 'jvm'])
  })

  test('from nowhere, and all that was missing is said', async () => {
    const why = 'no docker, no jvm, and KAFKA_BROKERS is not set'
    expect(await chooseBroker({}, machine())).toEqual({ from: 'none', why })
  })
})

describe('HB_KAFKA_FROM', () => {
  test.each(['docker', 'jvm'] as const)('=%s takes that one', async (place) => {
    const env = { KAFKA_BROKERS, HB_KAFKA_FROM: place }
    const probes = machine('docker', 'jvm')
    expect(await chooseBroker(env, probes)).toEqual({ from: place })
    expect(probes.asked).toEqual([place])
  })

  test('takes nothing else where that one is missing', async () => {
    const env = { KAFKA_BROKERS, HB_KAFKA_FROM: 'docker' }
    const why = 'no docker (HB_KAFKA_FROM=docker)'
    expect(await chooseBroker(env, machine('jvm'))).toEqual({ from: 'none', why })
  })

  test('of another value is refused', async () => {
    const chosen = chooseBroker({ HB_KAFKA_FROM: 'cloud' }, machine('jvm'))
    await expect(chosen).rejects.toThrow('HB_KAFKA_FROM is "cloud": it may be docker or jvm')
  })
})
