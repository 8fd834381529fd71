import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Log } from '../../src/log/port.ts'
import { createMemoryLog } from '../../src/log/memory/index.ts'
import { agreeOnNetwork } from '../../src/node/index.ts'
import { makeGenesis, openNetwork, type Network } from '../../src/protocol/genesis.ts'
import { systemClock } from '../../src/std/clock.ts'
import { HbError } from '../../src/std/errors.ts'
import { seededRandom } from '../../src/std/random.ts'
import { passing } from '../../src/log/passing/index.ts'
import { RECORDS } from './rig.ts'

function network(salt: string): Network {
  const sandbox = { engine: 'quickjs', version: '1' }
  // keys with escapes, and in an order: both are part of what is hashed
  const state = { '\\': 1, '"': [2], a: { z: 1, b: 2 } }
  const processes = [{ name: 'p', engine: 'quickjs' as const, source: 's', state }]
  return openNetwork(makeGenesis({ name: 'n', salt, partitions: 3, sandbox, processes }))
}

const [x, y] = [network('x'), network('y')]

describe('the network of some topics', () => {
  let log: Log
  beforeEach(() => {
    log = createMemoryLog()
  })
  afterEach(() => log.close())

  const never = (): Promise<Network> => Promise.reject(new Error('not asked for'))
  function agree(own: Network | undefined, make = never, on: Log = log): Promise<Network> {
    return agreeOnNetwork({ log: on, applicationId: 'hb', clock: systemClock, own, make })
  }

  async function records(): Promise<[string | null, boolean][]> {
    const { records: all } = await log.read('hb.registry', 0, 0)
    return all.map(({ key, value }) => [key, value !== null])
  }

  test('the first node writes it, later ones take it as it is', async () => {
    expect((await agree(undefined, () => Promise.resolve(x))).id).toBe(x.id)
    const taken = await agree(undefined)
    expect([taken.id, taken.genesis]).toEqual([x.id, x.genesis])
    expect(JSON.stringify(taken.genesis)).toBe(JSON.stringify(x.genesis))
    expect((await agree(x)).id).toBe(x.id)
    expect(await records()).toEqual([[`genesis/${x.id}`, true]])
  })

  test('another one is refused, and leaves nothing', async () => {
    await agree(x)
    await expect(agree(y)).rejects.toMatchObject({ code: 'genesis-mismatch' })
    expect(await records()).toEqual([[`genesis/${x.id}`, true]])
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('those that start at once agree (seed %d)', async (seed) => {
    const random = seededRandom(seed)
    const slow = passing(log)
    const pause = () => systemClock.sleep(random.below(8))
    const uneven: Log = {
      ...slow,
      append: async (...args) => (await pause(), slow.append(...args)),
      ends: async (topic) => (await pause(), slow.ends(topic)),
    }
    const owns = [x, y, x, undefined, y, undefined]
    const agreed = await Promise.allSettled(
      owns.map((own, n) => agree(own, () => Promise.resolve(n % 2 === 0 ? x : y), uneven)),
    )
    const ids = agreed.map((each) =>
      each.status === 'fulfilled' ? each.value.id : (each.reason as HbError).code,
    )
    const chosen = ids.find((id) => id !== 'genesis-mismatch')
    expect([x.id, y.id]).toContain(chosen)
    owns.forEach((own, n) => {
      expect(ids[n]).toBe(own === undefined || own.id === chosen ? chosen : 'genesis-mismatch')
    })
    // and so do all who come later
    expect((await agree(undefined)).id).toBe(chosen)
    const left = new Map(await records())
    expect([...left].filter(([, has]) => has).map(([key]) => key)).toEqual([`genesis/${chosen}`])
  })

  test('what a node left that died before it took its own back is removed', async () => {
    await agree(x)
    const value = RECORDS.network.encode({
      network: y.id,
      genesis: Buffer.from(JSON.stringify(y.genesis)),
    })
    await log.append('hb.registry', 0, [{ key: `genesis/${y.id}`, value }])
    expect((await agree(undefined)).id).toBe(x.id)
    expect((await records()).at(-1)).toEqual([`genesis/${y.id}`, false])
  })

  test('an append that is unclear or refused is made sure of', async () => {
    const failures = ['log-append-unclear', 'log-append-refused'] as const
    let tried = 0
    const faulty: Log = {
      ...passing(log),
      append: async (topic, partition, list) => {
        const code = failures[tried++]
        // unclear: it was written all the same
        if (code === 'log-append-unclear') await log.append(topic, partition, list)
        if (code !== undefined) throw new HbError(code, 'as planted')
        return log.append(topic, partition, list)
      },
    }
    expect((await agree(x, never, faulty)).id).toBe(x.id)
    expect((await agree(undefined)).id).toBe(x.id)
  })

  test.each([
    ['no JSON', 'junk'],
    ['another network', JSON.stringify(y.genesis)],
    ['no genesis', '{}'],
  ])('a record that is not what its key says is no network: %s', async (_, text) => {
    await log.provision([{ name: 'hb.registry', partitions: 1, cleanup: 'compact' }])
    const value = RECORDS.network.encode({ network: y.id, genesis: Buffer.from(text) })
    await log.append('hb.registry', 0, [{ key: `genesis/${'A'.repeat(43)}`, value }])
    await expect(agree(undefined)).rejects.toMatchObject({ code: 'genesis-malformed' })
  })
})
