// A record of the topic of modules that is lost: a DRE that has to open a module which only another
// partition's entries carried finds it in the logs, puts it on the topic again, and gives the same
// results. Where the logs lack it too, the partition halts and says so.

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { passing } from '../../src/log/passing/index.ts'
import type { Log } from '../../src/log/port.ts'
import { childId } from '../../src/protocol/message.ts'
import type { Result } from '../../src/protocol/result.ts'
import { signedMessage } from '../../src/protocol/signed.ts'
import { partitionOf } from '../../src/protocol/topics.ts'
import { sha256, toBase64Url } from '../../src/std/bytes.ts'
import { until } from '../node/fleet.ts'
import { Rig, rigNetwork, TOPICS } from '../node/rig.ts'
import type { Recorded } from './recorded.ts'
import { copyLog, INTERVAL, records, takeDown } from './recorded.ts'

const PARTITIONS = 2
const BOOK = toBase64Url(sha256(Buffer.from('book')))
/** So many children that some are in the other partition. */
const SALTS = Array.from({ length: 8 }, (_, at) => `salt ${at}`)
/** In real time: much less than a DRE waits by default. */
const WAIT_MS = 60

/** A wallet brings a module to partition 0, and a process there spawns by its hash. */
async function record(): Promise<Recorded> {
  const options = { intervalLength: INTERVAL, partitions: PARTITIONS }
  const rig = await Rig.open(rigNetwork(['counter'], options))
  await rig.sequencer()
  await rig.dre()
  await rig.relayer()
  const spawns = Array.from({ length: 64 }, (_, n) => rig.spawn('book', { n }))
  const here = spawns.find((item) => {
    return partitionOf(signedMessage(rig.network, item).process, PARTITIONS) === 0
  })
  await rig.send(here as Buffer)
  await rig.quiet()
  const send = SALTS.map((salt) => ({ kind: 'spawn', salt, data: { module: BOOK } }))
  const mother = rig.id('counter-0')
  const hellos = SALTS.map((salt) => rig.item(childId(mother, salt), { hello: salt }))
  await rig.send(rig.item(mother, { send }))
  await rig.quiet()
  await rig.send(...hellos)
  await rig.quiet()
  await rig.check()
  return takeDown(rig)
}

describe('a module whose record is lost', () => {
  let recorded: Recorded
  let rig: Rig
  beforeAll(async () => {
    recorded = await record()
  }, 20_000)
  beforeEach(async () => {
    rig = await Rig.open(recorded.network)
    await copyLog(recorded, rig)
  })
  afterEach(() => rig.close())

  /** As the topic is for whoever reads it: with nothing on it. */
  const losing = (log: Log): Log => ({
    ...passing(log),
    read: async (topic, partition, from, options) => {
      const read = await log.read(topic, partition, from, options)
      return topic === TOPICS.modules ? { ...read, records: [], next: from } : read
    },
  })

  /** Partition 0's log, too, without what it carries. */
  const losingLog = (log: Log): Log => ({
    ...losing(log),
    read: async (topic, partition, from, options) => {
      const isLost = topic === TOPICS.modules || (topic === TOPICS.log && partition === 0)
      const read = await log.read(topic, partition, from, options)
      return isLost ? { ...read, records: [] } : read
    },
  })

  /** Each has a partition, and a store that has never seen the other's. */
  async function two(log: Log) {
    const limits = { moduleWaitMsMax: WAIT_MS }
    const dres = [await rig.dre({ log, limits }), await rig.dre({ log, limits })]
    await until(() => [0, 1].every((at) => dres.some(({ service }) => service.owned(at))))
    return dres
  }

  const published = async (partition: number): Promise<Result[]> =>
    (await rig.results(partition)).filter((each) => each !== undefined)

  test('is found in the logs: the same results, and it is on the topic again', async () => {
    const dres = await two(losing(rig.log))
    for (const [partition, leaves] of recorded.leaves.entries()) {
      await until(async () => (await published(partition)).length >= leaves.length)
      const results = await published(partition)
      expect(results.map((each) => rig.leaf(partition, each))).toEqual(leaves)
    }
    expect(dres.map(({ halted }) => halted)).toEqual([[], []])
    // by the one that its entry was carried to, and by the one that had to look for it
    const again = (await records(rig.log, TOPICS.modules, 0)).filter(({ key }) => key === BOOK)
    expect(again.length).toBe(2)
  })

  test('halts the partition that needs it where nobody has it', async () => {
    const dres = await two(losingLog(rig.log))
    await until(() => dres.some(({ halted }) => halted.length > 0))
    const halts = dres.flatMap(({ halted }) => halted)
    expect(halts).toEqual([
      { partition: 1, error: expect.objectContaining({ code: 'module-missing' }) },
    ])
    const results = await published(1)
    const children = new Set(SALTS.map((salt) => childId(rig.id('counter-0'), salt)))
    expect(results.filter(({ process }) => children.has(process))).toEqual([])
  })
})
